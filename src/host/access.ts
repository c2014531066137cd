/**
 * What preparing and checking a host touches of it, as an interface: `system-access.ts` is the
 * host itself, tests have one in memory (`test/helpers/fake-host.ts`).
 *
 * @module
 */

/** A network interface. */
export interface InterfaceFact {
  readonly name: string;
  readonly index: number;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  /** True if it asks and answers ARP: Ethernet, and not told otherwise. */
  readonly usesArp: boolean;
  /** As `02:00:00:00:00:01`; empty if it has none. */
  readonly hardwareAddress: string;
}

/** An address of this host. */
export interface AddressFact {
  readonly interface: string;
  /** IPv4: as ifconfig shows it, `lo:0`. IPv6: the interface's name. */
  readonly label: string;
  /** Canonical. */
  readonly address: string;
  readonly prefixBits: number;
}

/** A route with a gateway, or a default route. */
export interface RouteFact {
  readonly interface: string;
  readonly isDefault: boolean;
  /** Canonical; undefined if the destination is on the link. */
  readonly gateway: string | undefined;
}

/** A kernel module. `present`: loaded or built in. */
export type ModuleState = "present" | "loadable" | "missing";

/** The host. Calls that change something throw what the kernel said. */
export interface HostAccess {
  interfaces(): readonly InterfaceFact[];
  addresses(): readonly AddressFact[];
  routes(): readonly RouteFact[];
  moduleState(name: string): ModuleState;
  /** `key` with slashes, `net/ipv4/ip_forward`. Undefined: this kernel or interface has none. */
  readSysctl(key: string): string | undefined;
  writeSysctl(key: string, value: string): void;
  /** Text of `name` below /proc/net; empty if there is none. */
  readProcNet(name: string): string;
  /** Limits of this process (proc_pid_limits(5)). */
  readLimits(): string;
  /** `path` absolute. Undefined: there is none, or it may not be read. */
  readFile(path: string): string | undefined;
  /** Replaces it as a whole, makes its folder. */
  writeFile(path: string, text: string): void;
  /** True if there is a file, folder or link of this name. */
  exists(path: string): boolean;
  /** Target of a symbolic link; undefined: there is none. */
  readLink(path: string): string | undefined;
  makeLink(path: string, target: string): void;
  /** Removes a file or link, if it is there. */
  remove(path: string): void;
  /** Names in a folder; empty if it cannot be read. */
  list(path: string): readonly string[];
  /** IPv4 under an unused label, IPv6 on the interface. */
  addAddress(address: AddressFact): void;
  removeAddress(address: AddressFact): void;
  /** Of an IPv4 address that has its label to itself. */
  setPrefix(label: string, prefixBits: number): void;
  setUp(name: string, isUp: boolean): void;
  /** Loads a kernel module. Rejects with why not. */
  loadModule(name: string): Promise<void>;
  /** Tells systemd that its files changed, if it runs here. @returns why not, else undefined. */
  reloadUnits(): Promise<string | undefined>;
  /** What this process may not do, in words; empty if it may do all that `paths` need. */
  missingRights(paths: readonly string[]): readonly string[];
}
