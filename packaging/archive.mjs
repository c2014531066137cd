/**
 * Archives of tar(5) and ar(5), the two layers of a Debian package (deb(5)).
 *
 * The same entries give the same bytes: owner and group are root, the time is given, entries are
 * sorted by name, and no name of this machine or user gets in. Pure.
 *
 *     tar header, 512 bytes, ustar: name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8,
 *     type 1, link 100, magic 6, version 2, user 32, group 32, device 8 + 8, prefix 155
 *
 * @module
 */

const blockBytes = 512;
/** tar writes records of 20 blocks. */
const recordBytes = 20 * blockBytes;
const nameBytesMax = 100;
const types = { file: "0", link: "2", folder: "5" };

function octal(value, digits) {
  return `${value.toString(8).padStart(digits, "0")}\0`;
}

function field(header, { offset, length, text }) {
  if (Buffer.byteLength(text) > length) throw new Error(`Too long for tar: ${text}`);
  header.write(text, offset);
}

function tarHeader({ path, type, mode, bytes, target = "" }, mtime) {
  const header = Buffer.alloc(blockBytes);
  const size = bytes?.length ?? 0;
  const fields = [
    [0, nameBytesMax, path],
    [100, 8, octal(mode, 7)],
    [108, 8, octal(0, 7)],
    [116, 8, octal(0, 7)],
    [124, 12, octal(size, 11)],
    [136, 12, octal(mtime, 11)],
    // The checksum counts itself as blanks.
    [148, 8, " ".repeat(8)],
    [156, 1, types[type]],
    [157, nameBytesMax, target],
    [257, 8, "ustar\x0000"],
    [265, 32, "root"],
    [297, 32, "root"],
    [329, 8, octal(0, 7)],
    [337, 8, octal(0, 7)],
  ];
  for (const [offset, length, text] of fields) field(header, { offset, length, text });
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function padding(size, unit) {
  return Buffer.alloc((unit - (size % unit)) % unit);
}

/** Folders above the entries, those not named themselves, as dpkg wants them: root's, 0755. */
function withFolders(entries) {
  const all = new Map([["./", { path: "./", type: "folder", mode: 0o755 }]]);
  for (const entry of entries) {
    const parts = entry.path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = `./${parts.slice(0, depth).join("/")}/`;
      if (!all.has(path)) all.set(path, { path, type: "folder", mode: 0o755 });
    }
  }
  for (const entry of entries) {
    const path = `./${entry.path}${entry.type === "folder" ? "/" : ""}`;
    all.set(path, { ...entry, path });
  }
  return [...all.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/**
 * A tar archive.
 *
 * @param entries `{path, type: "file" | "link" | "folder", mode, bytes, target}`; paths without a
 *   slash at either end. Folders above them are added.
 * @param mtime Of every entry, seconds since 1970.
 */
export function tarArchive(entries, mtime) {
  const parts = withFolders(entries).flatMap((entry) => {
    const { bytes = Buffer.alloc(0) } = entry;
    return [tarHeader(entry, mtime), bytes, padding(bytes.length, blockBytes)];
  });
  const size = parts.reduce((sum, { length }) => sum + length, 0) + 2 * blockBytes;
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes), padding(size, recordBytes)]);
}

/** An ar archive of `{name, bytes}`, in the order given. */
export function arArchive(members, mtime) {
  const parts = members.flatMap(({ name, bytes }) => {
    const columns = [
      [name, 16],
      [String(mtime), 12],
      ["0", 6],
      ["0", 6],
      ["100644", 8],
      [String(bytes.length), 10],
    ];
    const header = `${columns.map(([text, width]) => text.padEnd(width)).join("")}\`\n`;
    // A member begins at an even offset.
    return [Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 0 ? "" : "\n")];
  });
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}
