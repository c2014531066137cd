/**
 * What the kernel makes of arp_ignore and arp_announce (Documentation/networking/ip-sysctl.rst,
 * net/ipv4/arp.c): the larger one of `all` and the interface's own value is in force. Pure.
 *
 * A real server of direct routing has the virtual address on `lo` and must not tell the LAN of it:
 * neither in answers (arp_ignore) nor as the sender of its own questions (arp_announce).
 *
 * @module
 */

/** A setting of each interface that the larger value of `all` and the interface decides. */
export type ArpSetting = "arp_ignore" | "arp_announce";

/** Both, in the order in which they are set. */
export const arpSettings: readonly ArpSetting[] = ["arp_ignore", "arp_announce"];

/** What a host without an opinion of its own gets. */
const wanted: Readonly<Record<ArpSetting, number>> = { arp_ignore: 1, arp_announce: 2 };

/**
 * Values that keep an address of `lo` from the LAN.
 *
 * arp_ignore: 1 answers for addresses of the asked interface; 2 also looks at who asks; 8 answers
 * for none. 3 answers for an address of `lo` that is not of scope host, 4 to 7 and above 8 are
 * taken as 0. arp_announce: 2 takes an address of the interface; everything above it counts as 0.
 */
const safe: Readonly<Record<ArpSetting, ReadonlySet<number>>> = {
  arp_ignore: new Set([1, 2, 8]),
  arp_announce: new Set([2]),
};

/** True if `value`, in force, keeps an address of `lo` from the LAN. */
export function isSafe(setting: ArpSetting, value: number): boolean {
  return safe[setting].has(value);
}

/** The value to set where `found` stands: `found` itself if it is safe. */
export function targetValue(setting: ArpSetting, found: number): number {
  return isSafe(setting, found) ? found : wanted[setting];
}

/** The value in force on an interface. */
export function effectiveValue(all: number, own: number): number {
  return Math.max(all, own);
}

/** Path of a setting below /proc/sys; `name` is an interface or `all`. */
export function interfaceKey(name: string, setting: string): string {
  return `net/ipv4/conf/${name}/${setting}`;
}
