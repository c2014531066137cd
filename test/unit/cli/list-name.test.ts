import { describe, expect, test } from "bun:test";

import {
  numericNames,
  parseServices,
  resolveEndpoint,
  resolveNames,
} from "../../../src/cli/list-name.ts";

const services = `# Network services
http		80/tcp		www		# WorldWideWeb HTTP
domain		53/tcp
domain		53/udp
http-alt	8080/tcp	webcache
other		80/tcp
broken
dccp-only	5/dccp
`;

test("parseServices takes the first name of each port and protocol", () => {
  expect([...parseServices(services)]).toEqual([
    ["80/tcp", "http"],
    ["53/tcp", "domain"],
    ["53/udp", "domain"],
    ["8080/tcp", "http-alt"],
  ]);
});

const source = {
  hostOf: async (address: string) =>
    ({ "192.0.2.1": "web.example", "2001:db8::1": "six.example" })[address],
  addressOf: async (host: string) =>
    ({ "web.example": "192.0.2.1", "six.example": "2001:db8::1" })[host],
  services: () => services,
};

describe("resolveNames", () => {
  test.each([
    ["192.0.2.1", 80, "tcp", "web.example:http"],
    ["192.0.2.1", 80, "udp", "web.example:80"],
    ["192.0.2.2", 53, "udp", "192.0.2.2:domain"],
    ["192.0.2.2", 4711, "tcp", "192.0.2.2:4711"],
    ["2001:db8::1", 8080, "tcp", "[six.example]:http-alt"],
    ["2001:db8::2", 0, "tcp", "[2001:db8::2]:0"],
  ] as const)("%s:%d/%s is %s", async (address, port, protocol, expected) => {
    const nameOf = await resolveNames([{ address, port }], source);
    expect(nameOf({ address, port }, protocol)).toBe(expected);
  });

  test("asks once for each address, never for more than 16 at once", async () => {
    const asked: string[] = [];
    let atOnce = 0;
    let atOnceMax = 0;
    const counting = {
      services: () => "",
      addressOf: async () => undefined,
      async hostOf(address: string) {
        asked.push(address);
        atOnceMax = Math.max(atOnceMax, ++atOnce);
        await Promise.resolve();
        atOnce -= 1;
        return undefined;
      },
    };
    const endpoints = Array.from({ length: 100 }, (_, index) => ({
      address: `192.0.2.${index % 50}`,
      port: index,
    }));
    await resolveNames(endpoints, counting);
    expect(asked.length).toBe(50);
    expect(atOnceMax).toBe(16);
  });
});

test("numericNames puts IPv6 in brackets", () => {
  expect(numericNames({ address: "2001:db8::1", port: 80 }, "tcp")).toBe("[2001:db8::1]:80");
});

describe("resolveEndpoint", () => {
  test.each([
    ["192.0.2.9:81", "tcp", { address: "192.0.2.9", port: 81 }],
    ["192.0.2.9:http", "tcp", { address: "192.0.2.9", port: 80 }],
    ["[2001:DB8::9]:81", "tcp", { address: "2001:db8::9", port: 81 }],
    ["[2001:DB8::9]:http-alt", "tcp", { address: "2001:db8::9", port: 8080 }],
    ["web.example:81", "tcp", { address: "192.0.2.1", port: 81 }],
    ["six.example:domain", "udp", { address: "2001:db8::1", port: 53 }],
    ["192.0.2.9:http", "udp", undefined],
    ["192.0.2.9:65536", "tcp", undefined],
    ["192.0.2.9", "tcp", undefined],
    ["nobody.example:80", "tcp", undefined],
    ["a/b:80", "tcp", undefined],
    ["[nobody]:80", "tcp", undefined],
    [":80", "tcp", undefined],
    ["", "tcp", undefined],
  ] as const)("%s of %s", async (text, protocol, expected) => {
    expect(await resolveEndpoint(text, protocol, source)).toEqual(expected);
  });
});
