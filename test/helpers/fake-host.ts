/**
 * A host in memory: what setup and doctor read and change, without touching this machine.
 *
 * @module
 */
import type { AddressFact, HostAccess, InterfaceFact, RouteFact } from "../../src/host/access.ts";

/** State of the fake; tests change it and look at it. */
export interface FakeHostState {
  interfaces: InterfaceFact[];
  addresses: AddressFact[];
  routes: RouteFact[];
  readonly settings: Map<string, string>;
  readonly files: Map<string, string>;
  readonly links: Map<string, string>;
  readonly modules: Map<string, "present" | "loadable">;
  /** Everything that changed the host, in order. */
  readonly log: string[];
  missingRights: string[];
  /** Called before each change; may throw as the kernel would. */
  beforeChange: (change: string) => void;
  /** What a loaded module brings. */
  onModule: (name: string) => void;
  readonly procNet: Map<string, string>;
}

/** An Ethernet interface that is up. */
export function fakeInterface(name: string, overrides: Partial<InterfaceFact> = {}): InterfaceFact {
  return {
    name,
    index: 2,
    isUp: true,
    isLoopback: false,
    usesArp: true,
    hardwareAddress: "02:00:00:00:00:01",
    ...overrides,
  };
}

/** An address on an interface, with the interface's name as its label. */
export function fakeAddress(name: string, network: string, label = name): AddressFact {
  const [address, prefix] = network.split("/");
  return { interface: name, label, address: address!, prefixBits: Number(prefix) };
}

const settingNames = ["arp_ignore", "arp_announce", "rp_filter", "send_redirects"];

/** A host with `lo`, `eth0` at 192.0.2.7/24 behind 192.0.2.1, systemd, and settings all 0. */
export function createFakeHost(): { readonly state: FakeHostState; readonly host: HostAccess } {
  const lo = { index: 1, isLoopback: true, usesArp: false, hardwareAddress: "" };
  const state: FakeHostState = {
    interfaces: [fakeInterface("lo", lo), fakeInterface("eth0")],
    addresses: [
      fakeAddress("lo", "127.0.0.1/8"),
      fakeAddress("eth0", "192.0.2.7/24"),
      fakeAddress("lo", "::1/128"),
    ],
    routes: [{ interface: "eth0", isDefault: true, gateway: "192.0.2.1" }],
    settings: new Map(
      ["all", "lo", "eth0"].flatMap((name) =>
        settingNames.map((setting) => [`net/ipv4/conf/${name}/${setting}`, "0"] as const),
      ),
    ),
    files: new Map([["/run/systemd/system", ""]]),
    links: new Map(),
    modules: new Map(),
    log: [],
    missingRights: [],
    beforeChange: () => undefined,
    onModule: () => undefined,
    procNet: new Map(),
  };
  state.settings.set("net/ipv6/conf/lo/disable_ipv6", "0");
  return { state, host: accessTo(state) };
}

function accessTo(state: FakeHostState): HostAccess {
  const change = (text: string, effect: () => void): void => {
    state.beforeChange(text);
    state.log.push(text);
    effect();
  };
  return {
    interfaces: () => state.interfaces,
    addresses: () => state.addresses,
    routes: () => state.routes,
    moduleState: (name) => state.modules.get(name) ?? "missing",
    readSysctl: (key) => state.settings.get(key),
    writeSysctl: (key, value) => change(`${key}=${value}`, () => state.settings.set(key, value)),
    readProcNet: (name) => state.procNet.get(name) ?? "",
    readLimits: () => "Max open files            1024                 4096                 files\n",
    readFile: (path) => state.files.get(path),
    writeFile: (path, text) => change(`write ${path}`, () => state.files.set(path, text)),
    exists: (path) => state.files.has(path) || state.links.has(path),
    readLink: (path) => state.links.get(path),
    makeLink: (path, target) => change(`link ${path}`, () => state.links.set(path, target)),
    remove(path) {
      change(`remove ${path}`, () => {
        state.files.delete(path);
        state.links.delete(path);
      });
    },
    list: () => [],
    addAddress(address) {
      change(`add ${address.address}`, () => {
        state.addresses = [...state.addresses, address];
      });
    },
    removeAddress(address) {
      change(`del ${address.address}`, () => {
        state.addresses = state.addresses.filter((one) => one.address !== address.address);
      });
    },
    setPrefix(label, prefixBits) {
      change(`prefix ${label}/${prefixBits}`, () => {
        state.addresses = state.addresses.map((one) =>
          one.label === label ? { ...one, prefixBits } : one,
        );
      });
    },
    setUp(name, isUp) {
      change(`${name} ${isUp ? "up" : "down"}`, () => {
        state.interfaces = state.interfaces.map((one) =>
          one.name === name ? { ...one, isUp } : one,
        );
      });
    },
    async loadModule(name) {
      change(`load ${name}`, () => {
        state.modules.set(name, "present");
        state.onModule(name);
      });
    },
    async reloadUnits() {
      state.log.push("reload units");
      return undefined;
    },
    missingRights: () => state.missingRights,
  };
}
