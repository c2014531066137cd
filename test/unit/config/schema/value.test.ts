import { describe, expect, test } from "bun:test";

import * as v from "valibot";

import {
  absolutePath,
  alternatives,
  command,
  duration,
  durationOrOff,
  endpoint,
  filledList,
  hostName,
  integer,
  isHostName,
  knownKey,
  list,
  listenAddress,
  name,
  network,
  printable,
  server,
  table,
  text,
  value,
  word,
} from "../../../../src/config/schema/value.ts";

/** Output of a schema, or the messages of its issues. */
function read(schema: v.GenericSchema, input: unknown): unknown {
  const result = v.safeParse(schema, input);
  return result.success ? result.output : result.issues.map(({ message }) => message);
}

function isRefused(schema: v.GenericSchema, input: unknown): boolean {
  return !v.is(schema, input);
}

describe("listenAddress", () => {
  test.each([
    ["192.0.2.1:80", "192.0.2.1", 80, 80],
    ["192.0.2.1:0", "192.0.2.1", 0, 0],
    ["0.0.0.0:65535", "0.0.0.0", 65535, 65535],
    ["192.0.2.1:8000-8010", "192.0.2.1", 8000, 8010],
    ["192.0.2.1:80-80", "192.0.2.1", 80, 80],
    ["[2001:DB8:0:0::1]:80", "2001:db8::1", 80, 80],
    ["[::]:1-65535", "::", 1, 65535],
  ])("takes %s", (input, address, portFirst, portLast) => {
    expect(read(listenAddress, input)).toEqual({ address, portFirst, portLast });
  });

  test.each([
    "192.0.2.1:0-9",
    "192.0.2.1:1-65536",
    "192.0.2.1:2-1",
    "192.0.2.1:1-2-3",
    "[::1]",
    80,
  ])("refuses %p", (input) => {
    expect(isRefused(listenAddress, input)).toBe(true);
  });
});

describe("server", () => {
  test.each([
    ["192.0.2.1:80", "192.0.2.1", 80],
    ["192.0.2.1", "192.0.2.1", undefined],
    ["[2001:DB8::1]:80", "2001:db8::1", 80],
    ["2001:DB8::1", "2001:db8::1", undefined],
    ["2001:db8::1:80", "2001:db8::1:80", undefined],
    ["WEB1.Example.com:80", "web1.example.com", 80],
    ["web_1", "web_1", undefined],
    ["xn--bcher-kva.example:1", "xn--bcher-kva.example", 1],
  ])("takes %s", (input, host, port) => {
    expect(read(server, input)).toEqual({ host, port });
  });

  test.each(["", ":80", "a:", "a:0", "a:65536", "a:80:80", "[a]:80", "[::]:80", "::", "0.0.0.0"])(
    "refuses %p",
    (input) => {
      expect(isRefused(server, input)).toBe(true);
    },
  );
});

test.each([
  ["a", true],
  ["a.b-c.d1", true],
  ["1a", true],
  ["_sip._tcp.example.com", true],
  ["", false],
  ["-a", false],
  ["a-", false],
  ["a..b", false],
  ["a.", false],
  ["1.2.3.4", false],
  ["a b", false],
  ["a".repeat(64), false],
  [`${"a.".repeat(126)}a`, true],
  [`${"a.".repeat(127)}a`, false],
])("isHostName() of %p is %p", (input, expected) => {
  expect(isHostName(input)).toBe(expected);
  expect(isRefused(hostName, input)).toBe(!expected);
});

describe("command", () => {
  test.each([
    ["/bin/ok", ["/bin/ok"]],
    [["/bin/ok"], ["/bin/ok"]],
    [
      ["/bin/a b", "", "x y"],
      ["/bin/a b", "", "x y"],
    ],
  ])("takes %j", (input, words) => {
    expect(read(command, input)).toEqual(words);
  });

  test.each([["/bin/ok -v"], ["ok"], ["/"], [""], [5], [{}]].map((one) => one as unknown[]))(
    "refuses %j",
    (input) => {
      expect(isRefused(command, input)).toBe(true);
    },
  );

  test("refuses lists that are none of a program and arguments", () => {
    for (const input of [[], ["ok"], ["/bin/ok", 5], ["/bin/ok", "a\0b"], [[]]]) {
      expect(isRefused(command, input)).toBe(true);
    }
    expect(
      isRefused(
        command,
        Array.from({ length: 257 }, () => "/bin/ok"),
      ),
    ).toBe(true);
  });
});

const schemas = { name, network, endpoint, absolutePath };

test.each<[keyof typeof schemas, unknown, boolean]>([
  ["name", "web-1.example:80", true],
  ["name", "größe", true],
  ["name", "a b", false],
  ["name", 'a"b', false],
  ["name", "a\\b", false],
  ["name", "a\u0007", false],
  ["name", "a\u200b", false],
  ["name", "a".repeat(128), true],
  ["name", "a".repeat(129), false],
  ["network", "192.0.2.0/24", true],
  ["network", "::/0", true],
  ["network", "192.0.2.0/33", false],
  ["endpoint", "192.0.2.1:0", false],
  ["endpoint", "192.0.2.1:1", true],
  ["absolutePath", "/a b", true],
  ["absolutePath", "/a\n", false],
  ["absolutePath", "a", false],
  ["absolutePath", "/", false],
])("%s takes %j: %p", (schema, input, isTaken) => {
  expect(isRefused(schemas[schema], input)).toBe(!isTaken);
});

test("printable() takes text without controls, so long", () => {
  const inputs = ["abc", "", "abcd", "a\nb", 5];
  const taken = inputs.filter((input) => !isRefused(printable("x", 3), input));
  expect(taken).toEqual(["abc"]);
});

test("integer() takes whole numbers in its range", () => {
  const inputs = [0, 1, 3, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "2", 2n];
  expect(inputs.filter((input) => !isRefused(integer("x", 1, 3), input))).toEqual([1, 3]);
});

describe("duration()", () => {
  test("takes what is in its range, in ms", () => {
    expect(read(duration(10, 2000), "10ms")).toBe(10);
    expect(read(duration(10, 2000), "2s")).toBe(2000);
  });

  test.each(["9ms", "3s", "x", 10])("refuses %p, and names its range", (input) => {
    expect(read(duration(10, 2000), input)).toEqual(['a duration of 10ms to 2s, such as "10s"']);
  });

  test("durationOrOff() takes off and 0 beside", () => {
    const schema = durationOrOff(1000, 2000);
    expect(["off", "0s", "1s", "2s"].map((input) => read(schema, input))).toEqual([
      0, 0, 1000, 2000,
    ]);
    expect(read(schema, "1ms")).toEqual(['"off" or a duration of 1s to 2s, such as "10s"']);
  });
});

describe("table()", () => {
  const schema = table({ first: v.number("a number"), second: v.optional(v.string("a text")) });

  test("tells every fault at its key", () => {
    const result = v.safeParse(schema, { secnd: 1, second: 5, other: 1, prototype: 2 });
    expect(result.issues?.map((issue) => [v.getDotPath(issue), issue.message])).toEqual([
      ["first", 'the key "first"'],
      ["second", "a text"],
      ["secnd", 'a known key (did you mean "second"?)'],
      ["other", 'one of the keys "first" or "second"'],
      ["prototype", 'one of the keys "first" or "second"'],
    ]);
  });

  test("does not take inherited names for known keys", () => {
    const input: unknown = JSON.parse(
      '{ "first": 1, "__proto__": 1, "constructor": 1, "toString": 1 }',
    );
    expect(v.safeParse(schema, input).issues).toHaveLength(3);
  });

  test.each([[[]], [null], ["x"], [5], [undefined]])("refuses %j", (input) => {
    expect(read(schema, input)).toEqual(["a table"]);
  });
});

test("list() and filledList() bound their length", () => {
  expect(read(list(v.number(), "a list", 2), [1, 2])).toEqual([1, 2]);
  expect(read(list(v.number(), "a list", 2), [1, 2, 3])).toEqual(["a list of at most 2"]);
  expect(read(list(v.number(), "a list"), "x")).toEqual(["a list"]);
  expect(read(filledList(v.number(), "a list"), [])).toEqual(["a list"]);
});

test("value(), text() and word() say what they expect", () => {
  expect(
    read(
      value("seven", (input) => (input === 7 ? input : undefined)),
      8,
    ),
  ).toEqual(["seven"]);
  expect(
    read(
      text("a text", (input) => input),
      8,
    ),
  ).toEqual(["a text"]);
  expect(read(word(["a", "b"]), "c")).toEqual(['"a" or "b"']);
});

test("alternatives() joins words", () => {
  expect(alternatives(["a"])).toBe('"a"');
  expect(alternatives(["a", "b", "c"])).toBe('"a", "b" or "c"');
});

test("knownKey() helps where it can", () => {
  const many = Array.from({ length: 9 }, (_, index) => `key_${index}_of_many`);
  expect(knownKey("x", many)).toBe("a known key");
  expect(knownKey("x", ["a", "b"])).toBe('one of the keys "a" or "b"');
  expect(knownKey("workerz", ["workers"])).toBe('a known key (did you mean "workers"?)');
});
