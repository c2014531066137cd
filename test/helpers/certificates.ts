/**
 * A private authority with certificates for tests, made by openssl and gone with its folder.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createTempFolder } from "./temp-folder.ts";

/** Files of one certificate. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** A private authority; `[Symbol.dispose]` removes everything it made. */
export interface Authority extends Disposable {
  /** PEM file with the authority's own certificate. */
  readonly caFile: string;
  /** Certificate for `names` (`DNS:…`, `IP:…`); `expired`: of January 2020 only. */
  issue(name: string, names: string, options?: { readonly expired?: boolean }): Certificate;
}

function openssl(folder: string, args: readonly string[]): void {
  const result = Bun.spawnSync(["openssl", ...args], { cwd: folder, stderr: "pipe" });
  if (!result.success) throw new Error(`openssl ${args[0]}: ${result.stderr.toString()}`);
}

const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

const settings = `
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
new_certs_dir = issued
default_md = sha256
policy = policy
unique_subject = no
copy_extensions = copy
[policy]
commonName = supplied
`;

/** Creates an authority. Needs the program openssl. */
export function createAuthority(): Authority {
  const folder = createTempFolder();
  const path = (name: string): string => join(folder.path, name);
  writeFileSync(path("ca.cnf"), settings);
  writeFileSync(path("index.txt"), "");
  writeFileSync(path("serial"), "01\n");
  mkdirSync(path("issued"));
  const subject = ["-subj", "/CN=Test authority"];
  openssl(folder.path, ["req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", ...subject]);
  return {
    caFile: path("ca.pem"),
    issue(name, names, { expired = false } = {}) {
      const files = { certFile: path(`${name}.pem`), keyFile: path(`${name}.key`) };
      const request = ["-keyout", files.keyFile, "-out", `${name}.csr`, "-subj", `/CN=${name}`];
      openssl(folder.path, ["req", ...key, ...request, "-addext", `subjectAltName=${names}`]);
      const dates = expired
        ? ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
        : ["-days", "30"];
      const by = ["-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
      const place = ["-in", `${name}.csr`, "-out", files.certFile];
      openssl(folder.path, ["ca", "-batch", "-notext", ...by, ...place, ...dates]);
      return {
        ...files,
        cert: readFileSync(files.certFile, "utf8"),
        key: readFileSync(files.keyFile, "utf8"),
      };
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
