/**
 * What is written for a connection of another director besides the connection: the way to its
 * client, and the name of a real server that several services share.
 */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";

import { isClosedAddress } from "../../../../src/datapath/bpf/closed-addresses.ts";
import { PortionWriter } from "../../../../src/datapath/bpf/connection-codec.ts";
import { ConnectionTaker } from "../../../../src/datapath/bpf/connection-taker.ts";
import { CopyIndex } from "../../../../src/datapath/bpf/copy-index.ts";
import { formatAddress, parseAddress } from "../../../../src/net/address.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer, verdict } from "../../../helpers/balancer-program.ts";
import { describePacket, ipPacket } from "../../../helpers/ip-packet.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

/** Loading a program takes long where many do so. */
setDefaultTimeout(60_000);

const needs = requireBpf();
const virtuals = ["192.0.2.2", "192.0.2.3"];
const real = "192.0.2.11";
const ack = 16;

/** Open connections of these clients to one virtual address, all with the real server. */
function portionOf(clients: readonly string[], virtual: string): Uint8Array {
  const writer = new PortionWriter(4, clients.length);
  const address = parseAddress(real)!;
  for (const client of clients) {
    const addresses = [...parseAddress(client)!, ...parseAddress(virtual)!];
    const flow = Uint8Array.from([...addresses, 0x03, 0xe8, 0, 80, 6, 0, 0, 0]);
    writer.add(flow, 0, { address, port: 80, isFallback: false, state: 0, ageS: 5 });
  }
  return writer.finish();
}

describe.skipIf(needs.skip)(`ConnectionTaker ${needs.reason}`.trim(), () => {
  let balancer: TestBalancer | undefined;
  afterEach(() => balancer?.[Symbol.dispose]());

  function create(deviceTo: (client: Uint8Array) => number) {
    const servers = [forwardingServer(real, 80)];
    balancer = new TestBalancer();
    // Both services have the one real server at its one port.
    balancer.write(
      virtuals.map((address) => forwardingService([address, 80], servers, { forwarding: "masq" })),
    );
    const index = new CopyIndex(balancer.planned);
    const taker = new ConnectionTaker(balancer.program, deviceTo);
    return { balancer, take: (bytes: Uint8Array) => taker.take(bytes, index) };
  }

  test("an answer of a shared real server goes out under the address that was asked", () => {
    const { balancer: at, take } = create(() => 1);
    const clients = ["198.51.100.1", "198.51.100.2"];
    for (const [number, client] of clients.entries()) {
      expect(take(portionOf([client], virtuals[number]!))).toEqual({ entries: 1, taken: 1 });
    }
    for (const [number, client] of clients.entries()) {
      const answer = { from: real, to: client, fromPort: 80, toPort: 1000, flags: ack };
      const { result, packet } = at.run(ipPacket(answer));
      expect(result).toBe(verdict.send);
      expect(describePacket(packet)).toContain(virtuals[number]!);
    }
  });

  test("asks for the way to a client once a network, and a bounded number of times", () => {
    const asked: string[] = [];
    const { take } = create((client) => {
      asked.push(formatAddress(client));
      return 1;
    });
    const near = Array.from({ length: 100 }, (_, host) => `198.51.100.${host}`);
    expect(take(portionOf(near, virtuals[0]!))).toEqual({ entries: 100, taken: 100 });
    expect(asked).toEqual(["198.51.100.0"]);
    const far = Array.from({ length: 1000 }, (_, net) => `10.${net >> 8}.${net & 255}.1`);
    expect(take(portionOf(far, virtuals[0]!))).toEqual({ entries: 1000, taken: 1000 });
    expect(asked).toHaveLength(257);
    // Those that were not asked for are the next time.
    take(portionOf(far, virtuals[0]!));
    expect(asked).toHaveLength(513);
  });

  test("an address that the fence does not know is not closed", () => {
    const { balancer: at } = create(() => 1);
    expect(isClosedAddress(at.program, parseAddress(virtuals[0]!)!)).toBe(false);
  });
});
