/**
 * Completes package-lock.json: an entry for every optional package that a locked package names.
 *
 * `npm ci` refuses a lock file that lacks the packages of other platforms, and `npm install` leaves
 * them out when the registry it asked does not hold them. They are pinned by the package that names
 * them and never installed here, so name, version and platform are enough.
 *
 * Run after each change of dependencies: `node packaging/lock.mjs`. With `--check` it writes
 * nothing and fails when something is missing.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const lockPath = fileURLToPath(new URL("../package-lock.json", import.meta.url));

/** Words in the names of platform packages, as Node's `process.platform` and `process.arch`. */
const systems = ["aix", "android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const processors = ["arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "x64"];

/** Platform fields of a package, told from its name (`binding-linux-x64-gnu`). */
function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const find = (list) => list.filter((word) => words.includes(word)).slice(0, 1);
  const libc = words.some((word) => word.startsWith("musl"))
    ? ["musl"]
    : words.some((word) => word.startsWith("gnu"))
      ? ["glibc"]
      : [];
  return {
    cpu: find(processors),
    os: find(systems),
    ...(libc.length > 0 && words.includes("linux") ? { libc } : {}),
  };
}

/**
 * Entries that a lock file lacks, by their key (`node_modules/NAME`).
 *
 * Throws if one of them has no exact version or a name that does not tell its platform: such a
 * package might be needed here, and then only npm can lock it.
 */
export function missingEntries(lock) {
  const missing = {};
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const nested = `${owner}/node_modules/${name}`;
      const key = `node_modules/${name}`;
      if (lock.packages[key] !== undefined || lock.packages[nested] !== undefined) continue;
      const platform = platformOf(name);
      if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version) || platform.cpu.length + platform.os.length < 2) {
        throw new Error(
          `Cannot lock ${name}@${version} of ${owner}: not a pinned platform package`,
        );
      }
      missing[key] = { version, ...(entry.dev ? { dev: true } : {}), optional: true, ...platform };
    }
  }
  return missing;
}

function main() {
  const lock = JSON.parse(readFileSync(lockPath, "utf8"));
  const missing = missingEntries(lock);
  const names = Object.keys(missing);
  if (names.length === 0) return 0;
  if (process.argv.includes("--check")) {
    process.stderr.write(`package-lock.json lacks ${names.length} packages: ${names.join(", ")}\n`);
    return 1;
  }
  const [root, ...rest] = Object.entries({ ...lock.packages, ...missing });
  rest.sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries([root, ...rest]);
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`package-lock.json: ${names.length} packages of other platforms added\n`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
