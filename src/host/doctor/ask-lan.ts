/**
 * Asks the LAN who has addresses, and hears all who answer: the kernel itself would keep one and
 * forget the others.
 *
 * @module
 */

import { errnoName } from "../../../ffi/errno.ts";
import { errorText } from "../../errors/index.ts";
import { familyOf, formatAddress, maskAddress, parseAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import type { AddressFact, InterfaceFact } from "../access.ts";
import { openAsker } from "./asker.ts";
import type { Asker } from "./asker.ts";

/** Each address is asked for so often, and answers are waited for so long after each time. */
const rounds = 3;
const roundMs = 200;
/** How often the socket is looked at. */
const lookMs = 10;
/** Interfaces asked for one address that is in no network of this host. */
const interfacesMax = 8;
/** Addresses asked for; a director has a few. */
const addressesMax = 1024;
/** Packets taken at one look, so that a storm cannot hold the program. */
const packetsMax = 4096;

/** Who has an address. */
export interface LanAnswer {
  readonly address: string;
  readonly interface: string;
  /** Hardware addresses of all who answered, sorted. */
  readonly holders: readonly string[];
}

/** What the LAN said, and where it could not be asked. */
export interface LanAnswers {
  readonly answers: readonly LanAnswer[];
  readonly failures: readonly string[];
}

/** `02:00:00:00:00:01`. */
function formatHardware(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** True if `wanted` is in the network that an interface has by an address. */
function isNear(fact: AddressFact, wanted: Uint8Array): boolean {
  const own = parseAddress(fact.address)!;
  // A network of one address is no LAN.
  if (own.length !== wanted.length || fact.prefixBits === own.length * 8) return false;
  const [mine, its] = [own, wanted].map((one) => maskAddress(one, fact.prefixBits));
  return formatAddress(mine!) === formatAddress(its!);
}

/** Interfaces behind which an address is to be looked for. Pure. */
export function interfacesFor(
  address: string,
  host: {
    readonly interfaces: readonly InterfaceFact[];
    readonly addresses: readonly AddressFact[];
  },
): readonly InterfaceFact[] {
  const usable = host.interfaces.filter(({ usesArp, isUp }) => usesArp && isUp);
  const wanted = parseAddress(address)!;
  const near = usable.filter(({ name }) =>
    host.addresses.some((fact) => fact.interface === name && isNear(fact, wanted)),
  );
  return (near.length > 0 ? near : usable).slice(0, interfacesMax);
}

/** What is asked on one interface in one family. */
interface Question {
  readonly family: Family;
  readonly interface: InterfaceFact;
  readonly addresses: readonly string[];
}

function takeAll(asker: Asker, holders: ReadonlyMap<string, Set<string>>): void {
  for (let count = 0; count < packetsMax; count++) {
    const holder = asker.take();
    if (holder === false) return;
    if (holder === undefined) continue;
    holders.get(formatAddress(holder.address))?.add(formatHardware(holder.hardware));
  }
}

async function askOne(question: Question): Promise<LanAnswer[]> {
  const { addresses } = question;
  const holders = new Map(addresses.map((address) => [address, new Set<string>()]));
  const asker = openAsker(question.family, question.interface);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const address of addresses) {
        const reason = asker.ask(parseAddress(address)!);
        if (reason !== 0) throw new Error(`${errnoName(reason)} for ${address}`);
      }
      for (let waitedMs = 0; waitedMs < roundMs; waitedMs += lookMs) {
        await Bun.sleep(lookMs);
        takeAll(asker, holders);
      }
    }
  } finally {
    asker.close();
  }
  return addresses.map((address) => ({
    address,
    interface: question.interface.name,
    holders: [...holders.get(address)!].toSorted(),
  }));
}

/** Asks for addresses of both families; takes less than a second. Never rejects. */
export async function askLan(
  addresses: readonly string[],
  host: Parameters<typeof interfacesFor>[1],
): Promise<LanAnswers> {
  const questions = new Map<string, Question & { readonly addresses: string[] }>();
  for (const address of [...new Set(addresses)].slice(0, addressesMax)) {
    const family = familyOf(address);
    for (const one of interfacesFor(address, host)) {
      const key = `${family} ${one.name}`;
      const question = questions.get(key) ?? { family, interface: one, addresses: [] };
      question.addresses.push(address);
      questions.set(key, question);
    }
  }
  const failures: string[] = [];
  const asked = [...questions.values()].map(async (question) => {
    try {
      return await askOne(question);
    } catch (error) {
      const what = question.family === 4 ? "ARP" : "IPv6";
      failures.push(`cannot ask by ${what} on ${question.interface.name}: ${errorText(error)}`);
      return [];
    }
  });
  return { answers: (await Promise.all(asked)).flat(), failures };
}
