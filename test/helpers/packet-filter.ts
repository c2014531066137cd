/**
 * Classic BPF, as much of it as the filters of failover use; the kernel's own runs in the
 * integration tests.
 *
 * @module
 */

/**
 * Runs a filter over a packet.
 *
 * @param packet From its network header on.
 * @param start Where the socket says that it begins: loads that are not relative count from there.
 * @returns How many bytes of it pass.
 */
export function runFilter(program: Uint8Array, packet: Uint8Array, start: number): number {
  const code = new DataView(program.buffer);
  const bytes = new DataView(packet.buffer, packet.byteOffset, packet.length);
  let a = 0;
  let x = 0;
  for (let at = 0; at < program.length; at += 8) {
    const operation = code.getUint16(at, true);
    const value = code.getUint32(at + 4, true);
    const isRelative = value >= 0xfff0_0000;
    const offset = isRelative ? value - 0xfff0_0000 : start + value;
    if (operation === 0x20) a = bytes.getUint32(offset);
    else if (operation === 0x30) a = bytes.getUint8(offset);
    else if (operation === 0xb1) x = (bytes.getUint8(offset) & 0xf) * 4;
    else if (operation === 0x50) a = bytes.getUint8(start + x + value);
    else if (operation === 0x15) at += 8 * code.getUint8(at + (a === value ? 2 : 3));
    else if (operation === 0x05) at += 8 * value;
    else if (operation === 0x06) return value;
    else throw new Error(`operation ${operation}`);
  }
  throw new Error("the program has no end");
}
