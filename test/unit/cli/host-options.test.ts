import { expect, test } from "bun:test";

import { directorWish, expandLists, programCommand } from "../../../src/cli/host-options.ts";
import { parseConfig } from "../../../src/config/index.ts";

test.each([
  ["--vip A B", "--vip A --vip B"],
  ["--vip A B --json C", "--vip A --vip B --json C"],
  ["--vip=A B", "--vip=A --vip B"],
  ["--vip A --interface x y --vip B", "--vip A --interface x --interface y --vip B"],
  ["--method gate A", "--method gate A"],
  ["--dry-run", "--dry-run"],
  ["-c A B", "-c A B"],
  ["", ""],
])("expandLists(%p) is %p", (line, expected) => {
  const words = (text: string): string[] => text.split(" ").filter((word) => word !== "");
  expect(expandLists(words(line), ["vip", "interface"])).toEqual(words(expected));
});

test("programCommand() is absolute", () => {
  for (const word of programCommand()) expect(word).toStartWith("/");
});

test("directorWish() counts two descriptors a connection, and names families once", async () => {
  const text = `[[virtual_service]]
name = "web"
listen = ["192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"]
connection_limit = 1000
check = { type = "connect" }
real_servers = [{ address = "192.0.2.11:80" }]
`;
  const { config } = parseConfig(text, "a.toml");
  const wish = await directorWish(config);
  expect(wish.services).toEqual([
    { name: "web", engine: "proxy", forwarding: "proxy", scheduler: "wlc", families: [4, 6] },
  ]);
  expect(wish.descriptors).toBeGreaterThan(2000);
  expect(wish.descriptors).toBeLessThan(3000);
});
