import { expect, test } from "bun:test";

import { ipvsRefusal } from "../../../../src/datapath/ipvs/refuse.ts";
import { parseNetwork } from "../../../../src/net/address.ts";
import { serviceWith } from "../../../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../../../helpers/traffic/forwarding.ts";

const anybody = [parseNetwork("0.0.0.0/0")!];
const persistence = { timeoutMs: 1000, ipv4PrefixBits: 32, ipv6PrefixBits: 128 };
const ports = (portFirst: number, portLast: number) => ({
  listen: [{ address: "192.0.2.1", portFirst, portLast }],
});

test.each<[ServiceChanges, string | undefined]>([
  [{ port: 80 }, undefined],
  [{ ...ports(1, 1000) }, undefined],
  [{ listen: [], firewallMark: 1 }, undefined],
  [{ port: 0, persistence }, undefined],
  [{ port: 53, protocol: "udp", onePacket: true }, undefined],
  [{ port: 80, forwarding: "proxy" }, 'forwarding "proxy" is the proxy\'s'],
  [
    { port: 80, allow: anybody, connectionLimit: 5, source: ["192.0.2.5"] },
    "IPVS has no allow, connection_limit, source",
  ],
  [
    { port: 80, deny: anybody, sendProxy: "v2", acceptProxyFrom: anybody },
    "IPVS has no deny, send_proxy, accept_proxy_from",
  ],
  [{ ...ports(1, 1001) }, "IPVS would need 1001 services for its ports, at most 1000 are made"],
  [{ listen: [] }, "it listens nowhere"],
  [
    { listen: [{ address: "0.0.0.0", portFirst: 80, portLast: 80 }] },
    "the kernel's engines need a virtual address, not all of this host's",
  ],
  [{ port: 0 }, "IPVS has port 0 for persistent services only"],
  [{ port: 80, onePacket: true }, "one-packet scheduling is for UDP"],
  [
    { port: 53, protocol: "udp", onePacket: true, forwarding: "masq" },
    "IPVS cannot translate the answers of one-packet scheduling",
  ],
])("ipvsRefusal() of %j", (changes, expected) => {
  expect(ipvsRefusal(serviceWith({ forwarding: "gate", ...changes }))).toBe(expected);
});
