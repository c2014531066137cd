import { describe, expect, test } from "bun:test";

import { compilePattern } from "../../../src/check/body-search.ts";
import { ldapBytesMax, LdapDialogue } from "../../../src/check/ldap.ts";
import type { LdapCheckSpec } from "../../../src/model/index.ts";

const base: LdapCheckSpec = {
  service: "ldap",
  login: undefined,
  password: undefined,
  request: "dc=example,dc=org",
  receive: undefined,
  tls: undefined,
};

/** A TLV of BER with a short length. */
function tlv(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const length =
    value.length < 128 ? [value.length] : [0x82, value.length >> 8, value.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

const byte = (value: number): Uint8Array => Uint8Array.of(value);

/** A message with a result: operation 0x61 bind, 0x65 end of search, 0x78 extended. */
function result(id: number, operation: number, code: number, text = ""): Buffer {
  const body = [tlv(0x0a, byte(code)), tlv(0x04, ""), tlv(0x04, text)];
  return tlv(0x30, tlv(0x02, byte(id)), tlv(operation, ...body));
}

function entry(name: string): Buffer {
  return tlv(0x30, tlv(0x02, byte(2)), tlv(0x64, tlv(0x04, name), tlv(0x30, "")));
}

const bound = result(1, 0x61, 0);
const found = result(2, 0x65, 0);

async function dialogue(changes: Partial<LdapCheckSpec> = {}): Promise<LdapDialogue> {
  const spec = { ...base, ...changes };
  const pattern = spec.receive === undefined ? undefined : await compilePattern(spec.receive);
  return new LdapDialogue(spec, pattern);
}

describe("LdapDialogue", () => {
  test("binds anonymously, searches for one entry without attributes, and unbinds", async () => {
    const one = await dialogue();
    expect(Buffer.from(one.start()).toString("hex")).toBe("300c020101600702010304008000");
    const search = Buffer.from(one.push(bound) as Uint8Array);
    expect(search.toString("latin1")).toContain("dc=example,dc=org");
    expect(search.toString("latin1")).toContain("1.1");
    // The scope: this entry alone.
    expect(search.includes(Buffer.from("0a0100", "hex"))).toBe(true);
    expect(one.push(entry("dc=example,dc=org"))).toBe(false);
    expect(Buffer.from(one.push(found) as Uint8Array).toString("hex")).toBe("30050201034200");
    expect(one.verdict("closed")).toBeUndefined();
  });

  test("binds by name and password", async () => {
    const one = await dialogue({ login: "cn=eve", password: "pass word" });
    expect(Buffer.from(one.start()).toString("latin1")).toContain(
      "\u0004\u0006cn=eve\u0080\tpass word",
    );
  });

  test("takes bytes one by one, and messages together", async () => {
    const all = Buffer.concat([bound, entry("dc=example,dc=org"), found]);
    const slow = await dialogue();
    for (const value of all) slow.push(Uint8Array.of(value));
    expect(slow.verdict("closed")).toBeUndefined();
    const fast = await dialogue();
    fast.push(all);
    expect(fast.verdict("closed")).toBeUndefined();
  });

  test.each<[string, readonly Buffer[], Partial<LdapCheckSpec>, string]>([
    [
      "a bind that fails",
      [result(1, 0x61, 49, "no, pass word")],
      { login: "cn=eve", password: "pass word" },
      'bad-status: the bind answered by "invalidCredentials: no, ********"',
    ],
    [
      "an unknown result",
      [result(1, 0x61, 99)],
      {},
      'bad-status: the bind answered by "result 99"',
    ],
    [
      "a search that fails",
      [bound, result(2, 0x65, 32)],
      {},
      'bad-status: the search answered by "noSuchObject"',
    ],
    ["no entry", [bound, found], {}, "no-match: 0 entries, expected 1"],
    [
      "two entries",
      [bound, entry("a=1"), entry("a=2"), found],
      {},
      "no-match: 2 entries, expected 1",
    ],
    [
      "another entry",
      [bound, entry("dc=other"), found],
      { receive: "^dc=example" },
      'no-match: ^dc=example is not in "dc=other"',
    ],
    [
      "a notice of disconnection",
      [result(0, 0x78, 52, "closing")],
      {},
      'bad-status: the connection answered by "unavailable: closing"',
    ],
    [
      "a search result before the bind's",
      [found],
      {},
      "closed: closed before the dialogue was over",
    ],
    [
      "another protocol",
      [Buffer.from("HTTP/1.1 400 Bad\r\n")],
      {},
      'bad-answer: not LDAP: "HTTP/1.1 400 Bad ',
    ],
    [
      "an operation that says nothing",
      [tlv(0x30, tlv(0x02, byte(1)), tlv(0x73, "")), result(1, 0x61, 51)],
      {},
      'bad-status: the bind answered by "busy"',
    ],
    ["a message without parts", [Buffer.from("3000", "hex")], {}, "bad-answer: not LDAP: "],
    [
      "a message that is announced as too long",
      [Buffer.from("3084ffffffff", "hex")],
      {},
      `answer-too-long: an answer exceeds ${ldapBytesMax} bytes`,
    ],
  ])("with %s", async (_name, answers, changes, expected) => {
    const one = await dialogue(changes);
    one.start();
    for (const bytes of answers) one.push(bytes);
    const failure = one.verdict("closed");
    expect(`${failure?.reason}: ${failure?.detail}`).toStartWith(expected);
  });

  test("takes entries without end up to its bound", async () => {
    const one = await dialogue();
    one.push(bound);
    const part = Buffer.concat(Array.from({ length: 100 }, () => entry("a=1")));
    let count = 0;
    while (one.push(part) !== true && count < 1000) count += 1;
    expect(count * part.length).toBeLessThan(2 * ldapBytesMax);
    expect(one.verdict("enough")?.reason).toBe("answer-too-long");
  });

  test("is over when its farewell is said, whatever follows", async () => {
    const one = await dialogue();
    one.push(Buffer.concat([bound, entry("a=1"), found]));
    expect(one.push(Buffer.from("noise"))).toBe(true);
    expect(one.verdict({ reason: "reset", detail: "x" })).toBeUndefined();
  });
});
