/**
 * A node that claims an address, in a namespace of a test:
 *
 *     bun test/helpers/claim-host.ts INTERFACE ADDRESS COUNT
 *
 * Sends so many gratuitous ARP replies or neighbour advertisements, one after the other.
 *
 * @module
 */
import { AF_PACKET } from "../../ffi/constants/interface.ts";
import { SOCK_RAW } from "../../ffi/constants/socket.ts";
import { encodeLinkSockaddr, sendPacket } from "../../ffi/packet.ts";
import { closeDescriptor, openSocket } from "../../ffi/socket.ts";
import { parseAddress } from "../../src/net/address.ts";
import { encodeGratuitousArp, encodeNeighbourAdvertisement } from "../../src/net/announcement.ts";
import { openRouteSocket } from "../../src/netlink/route/index.ts";

const [device = "", text = "", count = "1"] = process.argv.slice(2);
using routes = openRouteSocket();
const link = routes.listLinks().find(({ name }) => name === device)!;
const mac = Uint8Array.fromHex(link.mac.replaceAll(":", ""));
const address = parseAddress(text)!;
const frame =
  address.length === 4
    ? encodeGratuitousArp(mac, address, "reply")
    : encodeNeighbourAdvertisement(mac, address, false);
const fd = openSocket(AF_PACKET, SOCK_RAW, 0);
const place = encodeLinkSockaddr({ etherType: 0, index: link.index });
for (let number = 0; number < Number(count); number++) sendPacket(fd, frame, place);
closeDescriptor(fd);
