import { describe, expect, test } from "bun:test";

import { kindOfFile } from "../../../src/config/kind.ts";

describe("kindOfFile()", () => {
  test.each([
    ["/etc/appliance/appliance.toml", "virtual=192.0.2.1:80\n", "native"],
    ["a.cf", "", "ldirectord"],
    ["/etc/ha.d/ldirectord", "", "ldirectord"],
    ["/etc/ha.d/web", "# old\nvirtual = 192.0.2.1:80\n\treal=192.0.2.2:80 gate\n", "ldirectord"],
    ["web", "virtual6=[2001:db8::1]:80\n", "ldirectord"],
    ["web", "checktype = connect\n", "ldirectord"],
    ["web", '[[virtual_service]]\nvirtual = "x"\n', "native"],
    ["web", "[virtual]\n", "native"],
    ["/etc/keepalived/keepalived.conf", "", "keepalived"],
    ["web.conf", "vrrp_instance A {\n", "keepalived"],
    ["web.conf", 'virtual_server = "x"\n', "native"],
    ["web.conf", "", "native"],
  ] as const)("%s with %j is %s", (path, text, kind) => {
    expect(kindOfFile(text, path)).toBe(kind);
  });
});
