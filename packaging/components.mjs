/**
 * What is inside the executable, told from package-lock.json: the npm packages that the program
 * needs at run time, and the runtime. From it come the SBOM (CycloneDX 1.5, JSON) and the licences
 * of debian/copyright. The same lock file gives the same bytes.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { root, SetupError } from "./common.mjs";

/** Bun as its makers describe it; the npm package has the licence of its own code only. */
const runtimeLicense = "MIT AND LGPL-2.1-or-later";

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

/** Where npm put the package that `owner` means by `name`: the nearest node_modules above it. */
function locate(packages, owner, name) {
  for (let folder = owner; ; folder = folder.slice(0, folder.lastIndexOf("/node_modules/"))) {
    const key = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[key] !== undefined) return key;
    if (!folder.includes("/node_modules/")) break;
  }
  const key = `node_modules/${name}`;
  if (packages[key] === undefined) throw new SetupError(`${name} is not in package-lock.json`);
  return key;
}

/** Packages that the program imports, and theirs, sorted by name: `{name, version, …}`. */
export function embeddedPackages() {
  const { packages } = readJson("package-lock.json");
  const { dependencies } = readJson("package.json");
  const found = new Map();
  const queue = Object.keys(dependencies).map((name) => ({ owner: "", name }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const key = locate(packages, next.owner, next.name);
    if (found.has(key)) continue;
    const { version, license, integrity, dependencies: own = {} } = packages[key];
    found.set(key, { name: next.name, version, license, integrity, folder: key });
    queue.push(...Object.keys(own).map((name) => ({ owner: key, name })));
  }
  return [...found.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** The runtime: Bun, as locked. */
export function embeddedRuntime() {
  const { version, integrity } = readJson("package-lock.json").packages["node_modules/bun"];
  return { name: "bun", version, integrity, license: runtimeLicense };
}

/** Text of the licence that a package brings; undefined if it brings none. */
export function licenseText(folder) {
  const path = join(root, folder);
  if (!existsSync(path)) throw new SetupError(`${folder} is not installed: npm run build`);
  const name = readdirSync(path)
    .toSorted()
    .find((one) => /^licen[cs]e(\.|$)/i.test(one));
  return name === undefined ? undefined : readFileSync(join(path, name), "utf8");
}

function component({ name, version, license, integrity }) {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const isExpression = / (?:AND|OR) /.test(license ?? "");
  const licenses = isExpression ? [{ expression: license }] : [{ license: { id: license } }];
  const [algorithm, digest] = integrity?.split("-") ?? [];
  const hashes = [{ alg: "SHA-512", content: Buffer.from(digest ?? "", "base64").toString("hex") }];
  return {
    type: name === "bun" ? "platform" : "library",
    "bom-ref": purl,
    name,
    version,
    ...(license === undefined ? {} : { licenses }),
    purl,
    ...(algorithm === "sha512" ? { hashes } : {}),
  };
}

/** The SBOM as text. Without a serial number and a time, which would differ each time. */
export function formatSbom({ version }) {
  const components = [embeddedRuntime(), ...embeddedPackages()].map(component);
  const own = { type: "application", "bom-ref": "appliance", name: "appliance", version };
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { ...own, licenses: [{ license: { id: "Apache-2.0" } }] } },
    components,
    dependencies: [{ ref: "appliance", dependsOn: components.map((one) => one["bom-ref"]) }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const apacheReference = `On Debian systems, the text of the Apache License, version 2.0, is in
/usr/share/common-licenses/Apache-2.0.`;

/** Licence text as debian/copyright has it: indented, empty lines as a point. */
function indent(text) {
  const lines = text.trim().split("\n");
  return lines.map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`)).join("\n");
}

const runtimeParagraph = ` Bun itself is under the MIT licence:
 .
 Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
 associated documentation files (the "Software"), to deal in the Software without restriction,
 including without limitation the rights to use, copy, modify, merge, publish, distribute,
 sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
 furnished to do so, subject to the following conditions:
 .
 The above copyright notice and this permission notice shall be included in all copies or
 substantial portions of the Software.
 .
 THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
 NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
 NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
 DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
 OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 .
 It links JavaScriptCore and other parts of WebKit (LGPL-2.1 and later), whose sources are those of
 the WebKit that belongs to this version of Bun, and smaller libraries; LICENSE.md in the sources of
 Bun lists all of them. On Debian systems, the text of the LGPL is in
 /usr/share/common-licenses/LGPL-2.1.`;

function paragraph({ name, version, license, folder }) {
  const text = licenseText(folder) ?? `The package states the licence ${license}.`;
  // Debian has this text already, and wants it referred to.
  const shown = license === "Apache-2.0" ? apacheReference : text;
  const copyright = text
    .split("\n")
    .filter((line) => /^\s*copyright (?:\(c\)|\d|[A-Z])/i.test(line))
    .map((line) => line.trim().replace(/^copyright\s*(?:\(c\))?\s*/i, ""));
  const holders = copyright.length > 0 ? copyright : [`the authors of ${name}`];
  const files = `node_modules/${name}/*`;
  return `Files: ${files}
Copyright: ${holders.join("\n           ")}
License: ${license}-${name.replaceAll(/[^a-z0-9]+/g, "-").replace(/^-/, "")}
Comment: ${name} ${version}

License: ${license}-${name.replaceAll(/[^a-z0-9]+/g, "-").replace(/^-/, "")}
${indent(shown)}
`;
}

/** debian/copyright (DEP-5): the program, each embedded package, the runtime. */
export function formatCopyright() {
  const { version } = embeddedRuntime();
  const head = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: package.json names version and dependencies

Files: *
Copyright: the authors of appliance
License: Apache-2.0
 On Debian systems, the text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.

Files: bun
Copyright: 2022-2026 Oven, and the authors of what it links
License: MIT-and-LGPL-2.1+-bun
Comment: Bun ${version}, the runtime inside the executable

License: MIT-and-LGPL-2.1+-bun
${runtimeParagraph}
`;
  return [head, ...embeddedPackages().map(paragraph)].join("\n");
}
