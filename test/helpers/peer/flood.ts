/**
 * An attacker on the LAN who knows everything but the key: sends frames to one director that look as
 * if they came from the other.
 *
 *     bun test/helpers/peer/flood.ts DEVICE OWN_MAC TARGET_MAC SOURCE TARGET PORT COUNT TAG
 *
 * A quarter each: rightly built with a wrong HMAC, with an unknown key, cut short, another protocol.
 *
 * @module
 */
import { AF_PACKET } from "../../../ffi/constants/interface.ts";
import { SOCK_RAW } from "../../../ffi/constants/socket.ts";
import { encodeLinkSockaddr, sendPacket } from "../../../ffi/packet.ts";
import { openSocket } from "../../../ffi/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { internetChecksum } from "../../../src/net/checksum.ts";
import { encodePeerMessage } from "../../../src/peer/codec.ts";
import { createPeerMessage, peerMessageBytesMax } from "../../../src/peer/message.ts";

const [device, ownMac, targetMac, source, target, port, count, tag] = process.argv.slice(2);

/** A message with an HMAC of zeros. */
function forge(keyTag: number): Uint8Array {
  const message = createPeerMessage();
  Object.assign(message, { sequence: 1_000_000, count: 1 });
  message.boot[0] = 1;
  Object.assign(message.records[0]!, { vrid: 51, state: 2, priority: 254, claim: 3 });
  const bytes = new Uint8Array(peerMessageBytesMax);
  const length = encodePeerMessage(message, keyTag, bytes);
  return bytes.slice(0, length + 32);
}

function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(42 + payload.length);
  const view = new DataView(frame.buffer);
  frame.set(Uint8Array.fromHex(targetMac!.replaceAll(":", "")), 0);
  frame.set(Uint8Array.fromHex(ownMac!.replaceAll(":", "")), 6);
  frame.set([0x08, 0x00, 0x45, 0], 12);
  view.setUint16(16, 28 + payload.length);
  frame.set([64, 17], 22);
  frame.set(parseAddress(source!)!, 26);
  frame.set(parseAddress(target!)!, 30);
  view.setUint16(24, internetChecksum(frame.subarray(14, 34)));
  view.setUint16(34, Number(port));
  view.setUint16(36, Number(port));
  view.setUint16(38, 8 + payload.length);
  frame.set(payload, 42);
  return frame;
}

const whole = forge(Number(tag));
const frames = [whole, forge(Number(tag) ^ 1), whole.slice(0, 40), new Uint8Array(200)].map(
  frameOf,
);
const { stdout } = Bun.spawnSync(["cat", `/sys/class/net/${device}/ifindex`]);
const place = encodeLinkSockaddr({ etherType: 0x0800, index: Number(stdout.toString().trim()) });
const fd = openSocket(AF_PACKET, SOCK_RAW, 0);
const beginMs = performance.now();
for (let index = 0; index < Number(count); index++) sendPacket(fd, frames[index % 4]!, place);
process.stdout.write(`${Math.round(performance.now() - beginMs)} ms\n`);
