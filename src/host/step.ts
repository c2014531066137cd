/**
 * One change of a host: what is there, what is to be there. Data, so that it can be shown, carried
 * out, kept and taken back. Pure.
 *
 * @module
 */

import type { AddressFact } from "./access.ts";

/** A change. `from` is what was found; undefined: nothing was there. */
export type Step =
  | {
      readonly kind: "sysctl";
      /** Below /proc/sys, with slashes. */
      readonly key: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: "address"; readonly address: AddressFact }
  | {
      readonly kind: "prefix";
      readonly label: string;
      readonly address: string;
      readonly from: number;
      readonly to: number;
    }
  /** Sets an interface up. */
  | { readonly kind: "up"; readonly interface: string }
  | { readonly kind: "module"; readonly name: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly from: string | undefined;
      readonly to: string;
    }
  | {
      readonly kind: "link";
      readonly path: string;
      readonly from: string | undefined;
      readonly to: string;
    };

/** What a step changes: two steps of one target are about the same thing. */
export function targetOf(step: Step): string {
  switch (step.kind) {
    case "sysctl":
      return `sysctl ${step.key}`;
    case "address":
      return `address ${step.address.address}`;
    case "prefix":
      return `prefix ${step.address}`;
    case "up":
      return `up ${step.interface}`;
    case "module":
      return `module ${step.name}`;
    case "file":
    case "link":
      return `file ${step.path}`;
  }
}

/** Name of a setting as sysctl(8) prints it; an interface name keeps its own points. */
export function sysctlName(key: string): string {
  const parts = key.split("/");
  // `eth0.7` would be two names.
  return parts.some((part) => part.includes(".")) ? key : parts.join(".");
}

/** A step in words, as a plan shows it: a verb and its object. */
export function describeStep(step: Step): { readonly verb: string; readonly object: string } {
  switch (step.kind) {
    case "sysctl":
      return { verb: "set", object: `${sysctlName(step.key)} = ${step.to} (is ${step.from})` };
    case "address": {
      const { address, prefixBits, label, interface: name } = step.address;
      const alias = label === name ? "" : ` as ${label}`;
      return { verb: "add", object: `${address}/${prefixBits} on ${name}${alias}` };
    }
    case "prefix":
      return {
        verb: "narrow",
        object: `${step.address} on ${step.label} to /${step.to} (is /${step.from})`,
      };
    case "up":
      return { verb: "start", object: step.interface };
    case "module":
      return { verb: "load", object: `kernel module ${step.name}` };
    case "file":
      return { verb: step.from === undefined ? "write" : "rewrite", object: step.path };
    case "link":
      return { verb: "link", object: `${step.path} to ${step.to}` };
  }
}

/** What taking a step back does, in words. */
export function describeUndo(step: Step): { readonly verb: string; readonly object: string } {
  switch (step.kind) {
    case "sysctl":
      return { verb: "set", object: `${sysctlName(step.key)} = ${step.from}` };
    case "address":
      return { verb: "remove", object: `${step.address.address} from ${step.address.interface}` };
    case "prefix":
      return { verb: "widen", object: `${step.address} on ${step.label} to /${step.from}` };
    case "up":
      return { verb: "stop", object: step.interface };
    case "module":
      return { verb: "keep", object: `kernel module ${step.name}` };
    case "file":
    case "link":
      return { verb: step.from === undefined ? "remove" : "restore", object: step.path };
  }
}

/** Steps in the order in which they are taken back: addresses go before the silence about them. */
export function undoOrder(steps: readonly Step[]): Step[] {
  const reversed = steps.toReversed();
  const isSetting = (step: Step): boolean => step.kind === "sysctl";
  return [...reversed.filter((step) => !isSetting(step)), ...reversed.filter(isSetting)];
}

/** `verb object`, one line. */
export function formatStep(step: Step): string {
  const { verb, object } = describeStep(step);
  return `${verb} ${object}`;
}
