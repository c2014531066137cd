import { expect, test } from "bun:test";

interface Archive {
  readonly tarArchive: (entries: readonly object[], mtime: number) => Uint8Array;
  readonly arArchive: (members: readonly object[], mtime: number) => Uint8Array;
}
const modulePath = new URL("../../../packaging/archive.mjs", import.meta.url).href;
const { tarArchive, arArchive } = (await import(modulePath)) as Archive;

const entries = [
  { path: "usr/bin/b", type: "file", mode: 0o755, bytes: Buffer.from("hello\n") },
  { path: "usr/bin/a", type: "link", mode: 0o777, target: "b" },
  { path: "etc/c", type: "folder", mode: 0o700 },
];

/** What a program reads from standard input. */
function read(command: readonly string[], input: Uint8Array): string {
  const { stdout, stderr } = Bun.spawnSync([...command], { stdin: input, env: { TZ: "UTC" } });
  expect(stderr.toString()).toBe("");
  return stdout.toString();
}

test("tarArchive is read by tar, sorted, of root, with the folders above", () => {
  const lines = read(["tar", "-tv", "--full-time"], tarArchive(entries, 1_000_000_000)).trim();
  const time = "2001-09-09 01:46:40";
  expect(lines.split("\n").map((line) => line.replaceAll(/ +/g, " "))).toEqual([
    `drwxr-xr-x root/root 0 ${time} ./`,
    `drwxr-xr-x root/root 0 ${time} ./etc/`,
    `drwx------ root/root 0 ${time} ./etc/c/`,
    `drwxr-xr-x root/root 0 ${time} ./usr/`,
    `drwxr-xr-x root/root 0 ${time} ./usr/bin/`,
    `lrwxrwxrwx root/root 0 ${time} ./usr/bin/a -> b`,
    `-rwxr-xr-x root/root 6 ${time} ./usr/bin/b`,
  ]);
  expect(read(["tar", "-xO", "./usr/bin/b"], tarArchive(entries, 0))).toBe("hello\n");
});

test("tarArchive does not depend on the order of its entries", () => {
  expect(tarArchive(entries.toReversed(), 7)).toEqual(tarArchive(entries, 7));
});

test("tarArchive refuses a path that does not fit", () => {
  const long = { ...entries[0], path: "a".repeat(100) };
  expect(() => tarArchive([long], 0)).toThrow("Too long for tar");
});

test("arArchive has the columns of ar(5), and members at even offsets", () => {
  const members = [
    { name: "odd", bytes: Buffer.from("abc") },
    { name: "even", bytes: Buffer.from("wxyz") },
  ];
  expect(Buffer.from(arArchive(members, 1_000_000_000)).toString()).toBe(
    "!<arch>\n" +
      "odd             1000000000  0     0     100644  3         `\nabc\n" +
      "even            1000000000  0     0     100644  4         `\nwxyz",
  );
});
