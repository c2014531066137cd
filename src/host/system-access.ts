/**
 * The host itself: /proc, ioctl(2), files below a root folder.
 *
 * @module
 */

import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";

import { ARPHRD_ETHER, IFF_LOOPBACK, IFF_NOARP, IFF_UP } from "../../ffi/constants/interface.ts";
import {
  addIpv4Address,
  addIpv6Address,
  hardwareAddress,
  interfaceFlags,
  interfaceIndex,
  listIpv4Addresses,
  removeIpv4Alias,
  removeIpv6Address,
  setInterfaceUp,
  setIpv4Mask,
} from "../../ffi/ioctl-interface.ts";
import { formatAddress, maskAddress, parseAddress } from "../net/address.ts";
import { runProgram } from "../process/index.ts";
import type { AddressFact, HostAccess, InterfaceFact } from "./access.ts";
import {
  findModule,
  parseInterfaceNames,
  parseIpv4Routes,
  parseIpv6Addresses,
  parseIpv6Routes,
} from "./proc-text.ts";

/** modprobe and systemctl answer in milliseconds, or hang. */
const programTimeoutMs = 10_000;
const outputBytesMax = 4096;
/** CAP_NET_ADMIN of linux/capability.h. */
const netAdminBit = 12n;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Number of leading one bits. */
function prefixOfMask(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
}

function maskOfPrefix(prefixBits: number): Uint8Array {
  return maskAddress(Uint8Array.of(255, 255, 255, 255), prefixBits);
}

function readInterface(name: string): InterfaceFact | undefined {
  try {
    const flags = interfaceFlags(name);
    const { type, address } = hardwareAddress(name);
    const isEthernet = type === ARPHRD_ETHER;
    const hex = [...address].map((byte) => byte.toString(16).padStart(2, "0"));
    return {
      name,
      index: interfaceIndex(name),
      isUp: (flags & IFF_UP) !== 0,
      isLoopback: (flags & IFF_LOOPBACK) !== 0,
      usesArp: isEthernet && (flags & IFF_NOARP) === 0,
      hardwareAddress: isEthernet ? hex.join(":") : "",
    };
  } catch {
    // It went away since its name was read.
    return undefined;
  }
}

function readAddresses(): AddressFact[] {
  const ipv4 = listIpv4Addresses().map(({ label, address, mask }) => ({
    interface: label.replace(/:.*/, ""),
    label,
    address: formatAddress(address),
    prefixBits: prefixOfMask(mask),
  }));
  return [...ipv4, ...parseIpv6Addresses(readText("/proc/net/if_inet6") ?? "")];
}

function readModuleState(name: string): ReturnType<HostAccess["moduleState"]> {
  if (existsSync(`/sys/module/${name}`)) return "present";
  const folder = `/lib/modules/${release()}`;
  const [builtin = "", dependencies = ""] = ["modules.builtin", "modules.dep"].map((file) =>
    readText(`${folder}/${file}`),
  );
  return findModule(name, { builtin, dependencies });
}

/** Runs a system program as this process. @returns why it failed; undefined if it did not. */
async function call(command: readonly string[]): Promise<string | undefined> {
  const request = { command, timeoutMs: programTimeoutMs, outputBytesMax, user: "root" };
  const result = await runProgram(request);
  if (result.outcome === "refused") return result.message;
  if (result.outcome === "exited" && result.status === 0) return undefined;
  const how = result.outcome === "exited" ? `exit status ${result.status}` : result.outcome;
  return `${command.join(" ")}: ${how} ${result.output.trim()}`.trim();
}

function hasNetAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readText("/proc/self/status") ?? "")?.[1];
  return ((BigInt(`0x${effective ?? "0"}`) >> netAdminBit) & 1n) === 1n;
}

/** True if `path` could be written: it, or the nearest folder above that exists. */
function isWritable(path: string): boolean {
  let place = path;
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
  try {
    accessSync(place, constants.W_OK);
    return place === path || statSync(place).isDirectory();
  } catch {
    return false;
  }
}

/** Where the files are. */
export interface SystemPlaces {
  /** Stands before every path that is not below `state`; `/` on a real host. */
  readonly root: string;
  /** The state directory. */
  readonly state: string;
}

function fileAccess({ root, state }: SystemPlaces) {
  const isOwn = (path: string): boolean => root === "/" || path.startsWith(`${state}/`);
  const at = (path: string): string => (isOwn(path) ? path : join(root, path));
  return {
    readFile: (path: string) => readText(at(path)),
    writeFile(path: string, text: string) {
      mkdirSync(dirname(at(path)), { recursive: true, mode: 0o755 });
      const temporary = `${at(path)}.new`;
      writeFileSync(temporary, text, { mode: 0o644 });
      renameSync(temporary, at(path));
    },
    exists(path: string) {
      try {
        return lstatSync(at(path), { throwIfNoEntry: false }) !== undefined;
      } catch {
        // A folder above it may not be entered.
        return false;
      }
    },
    readLink(path: string) {
      try {
        return readlinkSync(at(path));
      } catch {
        return undefined;
      }
    },
    makeLink(path: string, target: string) {
      mkdirSync(dirname(at(path)), { recursive: true, mode: 0o755 });
      rmSync(at(path), { force: true });
      symlinkSync(target, at(path));
    },
    remove: (path: string) => rmSync(at(path), { force: true }),
    list(path: string) {
      try {
        return readdirSync(at(path));
      } catch {
        return [];
      }
    },
    missingRights: (paths: readonly string[]) => [
      ...(hasNetAdmin() ? [] : ["CAP_NET_ADMIN is missing"]),
      ...paths.map(at).flatMap((path) => (isWritable(path) ? [] : [`cannot write ${path}`])),
    ],
  };
}

/** This host. Of changes systemd is told only where the root is `/`. */
export function createSystemAccess(places: SystemPlaces): HostAccess {
  const files = fileAccess(places);
  return {
    ...files,
    interfaces: () =>
      parseInterfaceNames(readText("/proc/net/dev") ?? "").flatMap(
        (name) => readInterface(name) ?? [],
      ),
    addresses: readAddresses,
    routes: () => [
      ...parseIpv4Routes(readText("/proc/net/route") ?? ""),
      ...parseIpv6Routes(readText("/proc/net/ipv6_route") ?? ""),
    ],
    moduleState: readModuleState,
    readSysctl: (key) => readText(`/proc/sys/${key}`)?.trim(),
    writeSysctl: (key, value) => writeFileSync(`/proc/sys/${key}`, value),
    readProcNet: (name) => readText(`/proc/net/${name}`) ?? "",
    readLimits: () => readText("/proc/self/limits") ?? "",
    addAddress({ interface: name, label, address, prefixBits }) {
      const bytes = parseAddress(address)!;
      if (bytes.length === 16) addIpv6Address(interfaceIndex(name), bytes, prefixBits);
      else addIpv4Address({ label, address: bytes, mask: maskOfPrefix(prefixBits) });
    },
    removeAddress({ interface: name, label, address, prefixBits }) {
      const bytes = parseAddress(address)!;
      if (bytes.length === 16) removeIpv6Address(interfaceIndex(name), bytes, prefixBits);
      else removeIpv4Alias(label);
    },
    setPrefix: (label, prefixBits) => setIpv4Mask(label, maskOfPrefix(prefixBits)),
    setUp: setInterfaceUp,
    async loadModule(name) {
      const failure = await call(["modprobe", name]);
      if (failure !== undefined) throw new Error(failure);
    },
    async reloadUnits() {
      if (places.root !== "/" || !files.exists("/run/systemd/system")) return undefined;
      return call(["systemctl", "daemon-reload"]);
    },
  };
}
