import { describe, expect, test } from "bun:test";

import { bpfRefusal } from "../../../../src/datapath/bpf/refuse.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";

const server = forwardingServer("192.0.2.11", 80);
const service = forwardingService(["192.0.2.1", 80], [server]);
const network = { address: "192.0.2.0", prefixBits: 24 };
const persistence = { timeoutMs: 1000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };

describe("bpfRefusal", () => {
  test.each<Partial<ForwardingService>>([
    {},
    { forwarding: "masq", servers: [forwardingServer("192.0.2.11", 8080)] },
    { protocol: "udp", scheduler: "mh", persistence },
    { forwarding: "ipip", servers: [forwardingServer("2001:db8::11", 80)] },
    { listen: [{ address: "192.0.2.1", portFirst: 80, portLast: 90 }] },
    {
      listen: [{ address: "192.0.2.1", portFirst: 0, portLast: 0 }],
      servers: [forwardingServer("192.0.2.11", 0)],
    },
    { connectionLimit: 1, allow: [network], deny: [network] },
    { protocol: "udp", onePacket: true },
    { servers: [{ ...server, upperThreshold: 1 }] },
    {
      forwarding: "masq",
      listen: [{ address: "2001:db8::1", portFirst: 80, portLast: 80 }],
      servers: [forwardingServer("2001:db8::11", 8080)],
    },
  ])("takes %p", (rest) => {
    expect(bpfRefusal({ ...service, ...rest })).toBeUndefined();
  });

  test.each<[Partial<ForwardingService>, string]>([
    [{ forwarding: "proxy" }, "proxy's"],
    [{ firewallMark: 1 }, "firewall mark"],
    [{ listen: [] }, "nowhere"],
    [{ listen: [{ address: "0.0.0.0", portFirst: 80, portLast: 80 }] }, "not all of this host's"],
    [{ listen: [{ address: "::", portFirst: 80, portLast: 80 }] }, "not all of this host's"],
    [{ listen: [{ address: "127.0.0.2", portFirst: 80, portLast: 80 }] }, "loopback"],
    [{ listen: [{ address: "::1", portFirst: 80, portLast: 80 }] }, "loopback"],
    [{ forwarding: "masq", servers: [forwardingServer("127.0.0.1", 80)] }, "this host itself"],
    [{ scheduler: "lblc" }, "sh and mh"],
    [{ schedulerFlags: ["mh-port"] }, "flags"],
    [{ sendProxy: "v1" }, "the proxy's"],
    [{ acceptProxyFrom: [network] }, "the proxy's"],
    [{ source: ["192.0.2.9"] }, "the proxy's"],
    [{ forwarding: "masq", onePacket: true }, "one-packet"],
    [{ servers: [forwardingServer("2001:db8::11", 80)] }, "address family"],
    [{ servers: [forwardingServer("192.0.2.11", 81)] }, "change the port"],
    [{ forwarding: "ipip", servers: [forwardingServer("192.0.2.11", 81)] }, "change the port"],
  ])("refuses %p", (rest, reason) => {
    expect(bpfRefusal({ ...service, ...rest })).toContain(reason);
  });
});
