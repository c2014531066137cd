/**
 * Steps carried out on a host, and taken back.
 *
 * @module
 */

import { errorText } from "../errors/index.ts";
import type { HostAccess } from "./access.ts";
import { formatStep, sysctlName } from "./step.ts";
import type { Step } from "./step.ts";

/** Carries one step out. Rejects with what the kernel said. */
export async function carryOut(host: HostAccess, step: Step): Promise<void> {
  switch (step.kind) {
    case "sysctl":
      return host.writeSysctl(step.key, step.to);
    case "address":
      return host.addAddress(step.address);
    case "prefix":
      return host.setPrefix(step.label, step.to);
    case "up":
      return host.setUp(step.interface, true);
    case "module":
      return host.loadModule(step.name);
    case "file":
      return host.writeFile(step.path, step.to);
    case "link":
      return host.makeLink(step.path, step.to);
  }
}

/** What became of a step that was to be taken back. */
export interface Restored {
  /** True if the host is as it was found, in this. */
  readonly done: boolean;
  /** In words, one line. */
  readonly text: string;
}

const done = (text: string): Restored => ({ done: true, text });
const left = (text: string): Restored => ({ done: false, text });

function restoreSysctl(host: HostAccess, step: Extract<Step, { kind: "sysctl" }>): Restored {
  const { key, from, to } = step;
  const name = sysctlName(key);
  const now = host.readSysctl(key);
  if (now === undefined) return done(`${name} is gone, and its interface with it`);
  if (now === from) return done(`${name} is ${from} already`);
  if (now !== to) {
    return left(`${name} was set to ${to} and is ${now} now, so it is left; it was ${from} before`);
  }
  host.writeSysctl(key, from);
  return done(`set ${name} = ${from}`);
}

function restoreAddress(host: HostAccess, step: Extract<Step, { kind: "address" }>): Restored {
  const { address, interface: name } = step.address;
  const now = host.addresses().find((fact) => fact.interface === name && fact.address === address);
  if (now === undefined) return done(`${address} is not on ${name} any more`);
  const isShared = host.addresses().filter(({ label }) => label === now.label).length > 1;
  if (!address.includes(":") && (isShared || now.label === name)) {
    const { prefixBits } = now;
    return left(
      `${address} has no label of its own any more, so it is left: ` +
        `ip address del ${address}/${prefixBits} dev ${name}`,
    );
  }
  host.removeAddress(now);
  return done(`remove ${address} from ${name}`);
}

function restorePrefix(host: HostAccess, step: Extract<Step, { kind: "prefix" }>): Restored {
  const { label, address, from, to } = step;
  const now = host.addresses().find((fact) => fact.label === label && fact.address === address);
  if (now?.prefixBits === from) return done(`${address} is /${from} already`);
  if (now?.prefixBits !== to) return left(`${address} is not on ${label} any more`);
  host.setPrefix(label, from);
  return done(`widen ${address} on ${label} to /${from}`);
}

function restoreFile(host: HostAccess, step: Extract<Step, { kind: "file" | "link" }>): Restored {
  const { kind, path, from, to } = step;
  const now = kind === "file" ? host.readFile(path) : host.readLink(path);
  if (now === from) return done(`${path} is as it was`);
  if (now === undefined)
    return left(`${path} has been removed, so it is left; it was there before`);
  if (now !== to) return left(`${path} has been changed since, so it is left`);
  if (from === undefined) host.remove(path);
  else if (kind === "file") host.writeFile(path, from);
  else host.makeLink(path, from);
  return done(from === undefined ? `remove ${path}` : `restore ${path}`);
}

function restoreUp(host: HostAccess, name: string): Restored {
  const now = host.interfaces().find((one) => one.name === name);
  if (now?.isUp !== true) return done(`${name} is not up any more`);
  // An `lo` that is down breaks more than it restores.
  if (name === "lo") return left("lo was down before, and is left up");
  host.setUp(name, false);
  return done(`stop ${name}`);
}

function restoreOne(host: HostAccess, step: Step): Restored {
  switch (step.kind) {
    case "sysctl":
      return restoreSysctl(host, step);
    case "address":
      return restoreAddress(host, step);
    case "prefix":
      return restorePrefix(host, step);
    case "up":
      return restoreUp(host, step.interface);
    case "module":
      return done(`the kernel module ${step.name} stays loaded; it does nothing by itself`);
    case "file":
    case "link":
      return restoreFile(host, step);
  }
}

/** Takes a step back if nobody has changed the same thing since. Never throws. */
export function restore(host: HostAccess, step: Step): Restored & { readonly failed: boolean } {
  try {
    return { ...restoreOne(host, step), failed: false };
  } catch (error) {
    const text = `cannot take back "${formatStep(step)}": ${errorText(error)}`;
    return { done: false, text, failed: true };
  }
}
