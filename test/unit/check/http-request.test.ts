/**
 * Requests of the HTTP check and where redirects lead.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import {
  encodeRequest,
  followRedirect,
  hostHeader,
  hostName,
} from "../../../src/check/http-request.ts";

describe("encodeRequest", () => {
  test("writes a whole request", () => {
    const bytes = encodeRequest("GET", { path: "/ldirectord.html?a=1", host: "www.example.org" });
    expect(new TextDecoder().decode(bytes)).toBe(
      "GET /ldirectord.html?a=1 HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: appliance\r\n" +
        "Accept: */*\r\nConnection: close\r\n\r\n",
    );
  });

  test.each([
    ["a blank", "/a b", "/a%20b"],
    ["a line end", "/a\r\nX: y", "/a%0D%0AX:%20y"],
    ["a letter outside of ASCII", "/ü", "/%C3%BC"],
    ["half a surrogate pair", "/\ud800", "/%EF%BF%BD"],
    ["what is encoded already", "/a%20b", "/a%20b"],
  ])("keeps %s within its line", (_name, path, expected) => {
    const text = new TextDecoder().decode(encodeRequest("HEAD", { path, host: "h\r\nY: z" }));
    const lines = text.split("\r\n");
    expect(lines.slice(0, 2)).toEqual([`HEAD ${expected} HTTP/1.1`, "Host: h%0D%0AY:%20z"]);
    expect(lines).toHaveLength(7);
  });
});

test.each([
  ["192.0.2.1", 80, false, "192.0.2.1"],
  ["192.0.2.1", 8080, false, "192.0.2.1:8080"],
  ["192.0.2.1", 443, true, "192.0.2.1"],
  ["192.0.2.1", 80, true, "192.0.2.1:80"],
  ["2001:db8::1", 80, false, "[2001:db8::1]"],
  ["2001:db8::1", 81, false, "[2001:db8::1]:81"],
])("hostHeader of %s port %i, TLS %p, is %s", (host, port, tls, header) => {
  expect(hostHeader(host, port, tls)).toBe(header);
});

test.each([
  ["www.example.org", "www.example.org"],
  ["www.example.org:8443", "www.example.org"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["2001:db8::1", "2001:db8::1"],
])("hostName of %s is %s", (host, name) => {
  expect(hostName(host)).toBe(name);
});

describe("followRedirect", () => {
  const request = { tls: false, port: 8080, host: "www.example.org", path: "/a/b?c" } as const;
  const own = { port: 8080, virtualPort: 8000 };

  test.each<[string, string, object]>([
    ["a path", "/next", { path: "/next" }],
    ["a relative path", "x?y=1", { path: "/a/x?y=1" }],
    ["a query", "?z", { path: "/a/b?z" }],
    ["a fragment away", "/next#part", { path: "/next" }],
    ["the scheme's own port to the port in use", "http://www.example.org/n", { path: "/n" }],
    [
      "the virtual service's port to the port in use",
      "http://www.example.org:8000/n",
      { path: "/n", host: "www.example.org:8000" },
    ],
    [
      "the real server's own port",
      "http://www.example.org:8080/n",
      { path: "/n", host: "www.example.org:8080" },
    ],
    [
      "another port",
      "http://www.example.org:9090/n",
      { path: "/n", host: "www.example.org:9090", port: 9090 },
    ],
    [
      "another host, as a Host header only",
      "http://other.example.org/n",
      { path: "/n", host: "other.example.org" },
    ],
    ["https", "https://www.example.org/n", { path: "/n", tls: true, port: 443 }],
    [
      "https at a port",
      "https://www.example.org:8443/n",
      { path: "/n", tls: true, port: 8443, host: "www.example.org:8443" },
    ],
    ["no name and password", "http://user:secret@www.example.org/n", { path: "/n" }],
    [
      "an address without scheme",
      "//other.example.org/n",
      { path: "/n", host: "other.example.org" },
    ],
  ])("follows %s", (_name, location, changes) => {
    expect(followRedirect(request, location, own)).toEqual({ ...request, ...changes });
  });

  test.each([
    ["another scheme", "ftp://www.example.org/"],
    ["a script", "javascript:alert(1)"],
    ["no address", "http://[::1"],
    ["a port out of range", "http://www.example.org:70000/"],
    ["an address longer than 8 KiB", `/${"a".repeat(8192)}`],
  ])("does not follow %s", (_name, location) => {
    expect(followRedirect(request, location, own)).toBeUndefined();
  });
});
