/**
 * `npm run package`: builds the Debian packages dist/appliance_VERSION_ARCH.deb and
 * dist/appliance-compat_VERSION_all.deb.
 *
 *     node packaging/deb.mjs [--arch=amd64|arm64] [--compress=xz|gzip] [--outdir=DIR]
 *         [--executable=PATH]     for this machine; it is taken as it is, nothing is built
 *
 * The same tree gives the same bytes: every time in the packages is that of the last commit, or
 * what SOURCE_DATE_EPOCH says. For another processor than this machine's the runtime is fetched
 * from the npm registry by Bun, once. Needs xz, or gzip is asked for.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { arArchive, tarArchive } from "./archive.mjs";
import { build } from "./build.mjs";
import { capture, isMain, root, runMain, SetupError } from "./common.mjs";
import { applianceFiles, compatFiles, fillTemplate } from "./deb-files.mjs";
import { ensureDependencies } from "./setup.mjs";

const architectures = { amd64: "x64", arm64: "arm64" };
/** Where neither the environment nor git knows a time: 2026-01-01. */
const dateOfNothing = 1_767_225_600;
const xzOutputBytesMax = 256 * 1024 * 1024;

/** Blocks of a fixed size and always two threads: the bytes are the same on every machine. */
function compressXz(bytes) {
  const { status, stdout, error } = spawnSync("xz", ["-6", "--threads=2", "--block-size=16MiB"], {
    input: bytes,
    maxBuffer: xzOutputBytesMax,
  });
  if (error !== undefined) throw new SetupError("Cannot start xz: apt-get install xz-utils");
  if (status !== 0) throw new SetupError(`xz ended with ${status}`);
  return stdout;
}

const compressions = {
  xz: { suffix: "xz", compress: compressXz },
  gzip: { suffix: "gz", compress: (bytes) => gzipSync(bytes, { level: 6 }) },
};

/** Time of everything in the packages, seconds since 1970. */
function packageDate() {
  const given = process.env.SOURCE_DATE_EPOCH ?? capture("git", ["log", "-1", "--format=%ct"]);
  const date = Number(given ?? dateOfNothing);
  if (!Number.isSafeInteger(date) || date < 0) {
    throw new SetupError(`SOURCE_DATE_EPOCH is no number of seconds: ${given}`);
  }
  return date;
}

/** As Debian's own tools take it from the environment. */
function maintainerOf({ DEBFULLNAME: name, DEBEMAIL: mail }) {
  return `${name ?? "The maintainers of appliance"} <${mail ?? "appliance@packages.example.org"}>`;
}

/** dpkg's list of checksums, of files only. */
function checksums(files) {
  const lines = files
    .filter(({ type }) => type === "file")
    .map(({ path, bytes }) => `${createHash("md5").update(bytes).digest("hex")}  ${path}\n`);
  return lines.toSorted((one, other) => (one.slice(34) < other.slice(34) ? -1 : 1)).join("");
}

/** Size as dpkg-gencontrol counts it: each file in whole KiB, one for each other entry. */
function installedKib(files) {
  return files.reduce(
    (sum, { bytes }) => sum + Math.max(1, Math.ceil((bytes?.length ?? 0) / 1024)),
    0,
  );
}

/** Scripts that a package has, by name. */
const scripts = { appliance: ["postinst", "prerm", "postrm"], "appliance-compat": ["postinst"] };

function controlEntries(name, files, values) {
  const control = fillTemplate(`${name}/control`, { ...values, SIZE: String(installedKib(files)) });
  const conffiles = files
    .filter(({ type, path }) => type === "file" && path.startsWith("etc/"))
    .map(({ path }) => `/${path}\n`);
  const texts = [
    ["control", control],
    ["md5sums", checksums(files)],
    ...(conffiles.length > 0 ? [["conffiles", conffiles.join("")]] : []),
  ];
  return [
    ...texts.map(([path, text]) => ({ path, type: "file", mode: 0o644, bytes: Buffer.from(text) })),
    ...scripts[name].map((path) => ({
      path,
      type: "file",
      mode: 0o755,
      bytes: Buffer.from(fillTemplate(`${name}/${path}`, values)),
    })),
  ];
}

/** Writes one package and returns its path. */
function writePackage({ name, files, architecture }, options) {
  const { version, date, maintainer, compression, folder } = options;
  const { suffix, compress } = compressions[compression];
  const values = { VERSION: version, ARCHITECTURE: architecture, MAINTAINER: maintainer };
  const control = tarArchive(controlEntries(name, files, values), date);
  const bytes = arArchive(
    [
      { name: "debian-binary", bytes: Buffer.from("2.0\n") },
      { name: `control.tar.${suffix}`, bytes: compress(control) },
      { name: `data.tar.${suffix}`, bytes: compress(tarArchive(files, date)) },
    ],
    date,
  );
  const path = join(folder, `${name}_${version}_${architecture}.deb`);
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
  return path;
}

/** The executable for the package, and the one of this machine, which is asked for its help. */
function executables(architecture, given) {
  const nativeExecutable = given ?? build();
  const processor = architectures[architecture];
  if (processor === process.arch) return { executable: nativeExecutable, nativeExecutable };
  const outfile = join(root, `dist/appliance-${architecture}`);
  return { executable: build({ target: `bun-linux-${processor}`, outfile }), nativeExecutable };
}

/** Builds the packages of one architecture and the one that is for all; returns their paths. */
function buildPackages({ architecture, compression, folder, executable }) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const programs = executables(architecture, executable);
  mkdirSync(folder, { recursive: true });
  const date = packageDate();
  const maintainer = maintainerOf(process.env);
  const options = { ...programs, version, date, maintainer, compression, folder };
  return [
    { name: "appliance", files: applianceFiles(options), architecture },
    { name: "appliance-compat", files: compatFiles(options), architecture: "all" },
  ].map((one) => writePackage(one, options));
}

const expected =
  "expected --arch=amd64|arm64, --compress=xz|gzip, --outdir=DIR or --executable=PATH";

function parseArguments(args) {
  const native = Object.entries(architectures).find(([, processor]) => processor === process.arch);
  const options = { architecture: native?.[0], compression: "xz", folder: join(root, "dist") };
  for (const arg of args) {
    const [name, value = ""] = arg.split("=", 2);
    if (name === "--arch" && architectures[value] !== undefined) options.architecture = value;
    else if (name === "--compress" && compressions[value] !== undefined)
      options.compression = value;
    else if (name === "--outdir" && value !== "") options.folder = resolve(value);
    else if (name === "--executable" && value !== "") options.executable = resolve(value);
    else throw new SetupError(`Unknown argument ${arg}; ${expected}`);
  }
  return options;
}

if (isMain(import.meta.url)) {
  await runMain((args) => {
    const options = parseArguments(args);
    ensureDependencies();
    for (const path of buildPackages(options)) process.stdout.write(`${path}\n`);
    return 0;
  });
}
