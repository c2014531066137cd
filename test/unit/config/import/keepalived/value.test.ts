import { describe, expect, test } from "bun:test";

import {
  expandRange,
  formatCommand,
  formatListen,
  readCommand,
  readInteger,
  readPort,
  readServer,
  readTimer,
  shellLine,
  splitCommand,
} from "../../../../../src/config/import/keepalived/value.ts";
import { createNotes } from "../../../../../src/config/import/notes.ts";

function directive(...words: string[]) {
  return { file: "a.conf", line: 1, words, block: undefined };
}

/** Value of a reader and what it told. */
function told<T>(read: (notes: ReturnType<typeof createNotes>) => T): [T, ...string[]] {
  const notes = createNotes();
  const value = read(notes);
  return [value, ...notes.finish("a.conf").warnings.map(({ message }) => message)];
}

describe("readInteger()", () => {
  test.each([
    ["1", 1],
    ["255", 255],
  ])("reads %p", (text, expected) => {
    expect(told((notes) => readInteger(directive("k", text), { min: 1, max: 255 }, notes))).toEqual(
      [expected],
    );
  });

  test.each(["0", "256", "-1", "1.5", "1e2", "", "100,x", "99999999999"])("refuses %p", (text) => {
    expect(told((notes) => readInteger(directive("k", text), { min: 1, max: 255 }, notes))).toEqual(
      [undefined, `k is left out: expected a number 1..255, got "${text}"`],
    );
  });
});

describe("readTimer()", () => {
  test.each([
    ["6", 6000],
    ["0.5", 500],
    [".25", 250],
    ["1.", 1000],
  ])("reads %p seconds", (text, expected) => {
    const range = { min: 10, max: 60_000 };
    expect(told((notes) => readTimer(directive("k", text), range, notes))).toEqual([expected]);
  });

  test.each(["0", "0.001", "61", "-1", "x", "1s", "1e1"])("refuses %p", (text) => {
    const range = { min: 10, max: 60_000 };
    expect(told((notes) => readTimer(directive("k", text), range, notes))).toEqual([
      undefined,
      `k is left out: expected seconds, 10ms to 1m, got "${text}"`,
    ]);
  });
});

describe("programs", () => {
  test.each([
    ["/bin/a", ["/bin/a"]],
    ["/bin/a  b\tc ", ["/bin/a", "b", "c"]],
    ["/bin/a 'b c' \"d e\"f", ["/bin/a", "b c", "d ef"]],
    [String.raw`/bin/a \" "\"b" 'c\d'`, ["/bin/a", '"', '"b', String.raw`c\d`]],
    ["/bin/a 'b", ["/bin/a", "'", "b"]],
    ["", []],
  ])("splitCommand(%p) splits as keepalived does", (text, expected) => {
    expect(splitCommand(text)).toEqual(expected);
  });

  test("readCommand() tells of a user, whom it cannot become", () => {
    const one = directive("notify_up", "/bin/a b", "root", "root");
    expect(told((notes) => readCommand(one, notes))).toEqual([
      ["/bin/a", "b"],
      'notify_up runs as script_user, not as "root root"',
    ]);
  });

  test.each(["", "a", "./a", "killall -0 x"])("readCommand() refuses %p", (text) => {
    expect(told((notes) => readCommand(directive("script", text), notes))).toEqual([
      undefined,
      `script is left out: expected an absolute path, got "${text}"`,
    ]);
  });

  test("formatCommand() is a list for more than a path", () => {
    expect(formatCommand(["/bin/a"])).toBe("/bin/a");
    expect(formatCommand(["/bin/a", "b"])).toEqual(["/bin/a", "b"]);
    expect(formatCommand(["/bin/a b"])).toEqual(["/bin/a b"]);
  });

  test("shellLine() gives a shell back the same words", () => {
    const words = ["a", "b c", "$HOME", "it's", "", "*", "x;y", "--k=v/1,2"];
    const line = shellLine(words);
    expect(line).toBe(String.raw`a 'b c' '$HOME' 'it'\''s' '' '*' 'x;y' --k=v/1,2`);
    const { stdout } = Bun.spawnSync(["/bin/sh", "-c", `printf '%s|' ${line}`]);
    expect(stdout.toString()).toBe(`${words.join("|")}|`);
  });
});

describe("addresses", () => {
  test.each([
    ["192.0.2.1", ["192.0.2.1"]],
    ["192.0.2.8-10", ["192.0.2.8", "192.0.2.9", "192.0.2.10"]],
    ["192.0.2.8-8", ["192.0.2.8"]],
    ["2001:db8::fe-101", ["2001:db8::fe", "2001:db8::ff", "2001:db8::100", "2001:db8::101"]],
    ["192.0.2.8-7", undefined],
    ["192.0.2.8-256", undefined],
    ["192.0.2.8-x", undefined],
    ["192.0.2.1-2-3", undefined],
    ["2001:db8::1-ffff", undefined],
    ["www.example.com", undefined],
    ["", undefined],
  ])("expandRange(%p)", (text, expected) => {
    expect(expandRange(text)).toEqual(expected);
  });

  test.each([
    ["80", "80"],
    ["0", "0"],
    ["080", "80"],
    ["80-90", "80-90"],
    ["80-80", "80"],
    ["90-80", undefined],
    ["0-80", undefined],
    ["65536", undefined],
    ["http", undefined],
    ["", undefined],
  ])("readPort(%p)", (text, expected) => {
    expect(readPort(text)).toBe(expected);
  });

  test.each([
    ["192.0.2.1", "80", { host: "192.0.2.1", port: 80 }],
    ["192.0.2.1", undefined, { host: "192.0.2.1", port: undefined }],
    ["192.0.2.1", "0", { host: "192.0.2.1", port: undefined }],
    ["2001:DB8::1", "80", { host: "2001:db8::1", port: 80 }],
    ["Web1.example.com", "80", { host: "web1.example.com", port: 80 }],
    ["0.0.0.0", "80", undefined],
    ["192.0.2.256", "80", undefined],
    ["192.0.2.1", "65536", undefined],
    ["192.0.2.1", "http", undefined],
    ["<name>", "80", undefined],
    ["", undefined, undefined],
  ])("readServer(%p, %p)", (host, port, expected) => {
    expect(readServer(host, port)).toEqual(expected);
  });

  test("formatListen() has brackets for IPv6", () => {
    expect(formatListen("192.0.2.1", "80")).toBe("192.0.2.1:80");
    expect(formatListen("2001:db8::1", "80-90")).toBe("[2001:db8::1]:80-90");
  });
});
