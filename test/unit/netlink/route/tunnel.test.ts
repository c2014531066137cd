import { expect, test } from "bun:test";

import { encodeNewTunnel } from "../../../../src/netlink/route/tunnel.ts";
import { hex } from "../../../helpers/fake-kernel.ts";

test("encodeNewTunnel() writes what `ip link add t1 type ipip` sends", () => {
  const bytes = encodeNewTunnel({
    name: "t1",
    kind: "ipip",
    local: "10.9.9.1",
    remote: "10.9.9.2",
    ttl: 64,
  });
  expect(bytes).toEqual(
    hex(`
      00000000 00000000 00000000 00000000
      0700 0300 743100 00                # IFLA_IFNAME
      3400 1280                          # IFLA_LINKINFO
        0900 0100 6970697000 000000      #   IFLA_INFO_KIND ipip
        2400 0280                        #   IFLA_INFO_DATA
          0800 0200 0a090901             #     IFLA_IPTUN_LOCAL
          0800 0300 0a090902             #     IFLA_IPTUN_REMOTE
          0500 0400 40 000000            #     IFLA_IPTUN_TTL
          0500 0a00 01 000000            #     IFLA_IPTUN_PMTUDISC
    `),
  );
});

test("encodeNewTunnel() leaves out what is not said", () => {
  expect(encodeNewTunnel({ name: "t6", kind: "ip6tnl" }).subarray(16)).toEqual(
    hex("0700 0300 743600 00  1400 1280  0b00 0100 697036746e6c00 00  0400 0280"),
  );
});

test("encodeNewTunnel() refuses a name that the kernel would", () => {
  const tunnel = { name: "a234567890123456", kind: "ipip" } as const;
  expect(() => encodeNewTunnel(tunnel)).toThrow("at most 15 bytes");
});
