/**
 * A node that listens to advertisements and plays them back, in a namespace of a test:
 *
 *     bun test/helpers/replay-host.ts INTERFACE COUNT
 *
 * Takes so many advertisements of others, prints `taken`, and sends them again, as they are, at
 * each SIGUSR1, which it answers with `played`.
 *
 * @module
 */
import {
  encodeLinkSockaddr,
  openPacketSocket,
  receivePacket,
  sendPacket,
} from "../../ffi/packet.ts";
import { openRouteSocket } from "../../src/netlink/route/index.ts";
import { vrrpProtocol } from "../../src/vrrp/index.ts";

const etherTypeIpv4 = 0x0800;
const [device = "", count = "1"] = process.argv.slice(2);
using routes = openRouteSocket();
const { index } = routes.listLinks().find(({ name }) => name === device)!;
const place = { etherType: etherTypeIpv4, index };
const fd = openPacketSocket(place);
/** Where IPv4 packets for 224.0.0.18 go. */
const group = encodeLinkSockaddr(place, Uint8Array.of(1, 0, 0x5e, 0, 0, 0x12));
const taken: Uint8Array[] = [];

function take(): void {
  const buffer = new Uint8Array(2048);
  for (let packet = receivePacket(fd, buffer); packet !== undefined;) {
    if (packet[9] === vrrpProtocol) taken.push(packet.slice());
    packet = receivePacket(fd, buffer);
  }
  if (taken.length < Number(count)) return;
  clearInterval(timer);
  process.stdout.write("taken\n");
}

const timer = setInterval(take, 5);
process.on("SIGUSR1", () => {
  for (const packet of taken) sendPacket(fd, packet, group);
  process.stdout.write("played\n");
});
// The timer ends; signals do not keep a process.
setInterval(() => undefined, 60_000);
