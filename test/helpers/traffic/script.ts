/**
 * Scripts of random traffic: what both ends of a connection do, what each must then have seen,
 * and the running of them.
 *
 * A script is made from one sequence of sends of both sides. Before a send a side may wait for
 * all that the other has sent before in that sequence, so no two sides ever wait for each other.
 *
 * @module
 */

import { checksumOf, createRandom, makeBody } from "./body.ts";
import type { Ending, TcpPeer } from "./tcp-peer.ts";

/** How a connection ends. Before a reset everything has arrived, so that the outcome is certain. */
const finales = ["client first", "server first", "both", "client resets", "server resets"] as const;
type Finale = (typeof finales)[number];

interface Step {
  readonly body: Uint8Array;
  /** Bytes of the other side to wait for before sending. */
  readonly awaitBytes: number;
}

/** What one end does. */
export interface SideScript {
  readonly steps: readonly Step[];
  /** Reads with pauses. */
  readonly isSlow: boolean;
  readonly finale: "shutdown" | "shutdown after the other" | "reset" | "wait for the reset";
  /** Everything the other side sends. */
  readonly incomingBytes: number;
}

/** What one end must have seen. `ending` is undefined for the end that resets. */
export interface SideOutcome {
  readonly bytes: number;
  readonly checksum: string;
  readonly ending: Ending | undefined;
}

/** A connection: what both do, and what both must see. */
export interface ConnectionScript {
  /** Sent first by the client, so that the server knows its part: 4 bytes, little endian. */
  readonly id: number;
  readonly client: SideScript;
  readonly server: SideScript;
  readonly expected: { readonly client: SideOutcome; readonly server: SideOutcome };
}

/** Bytes of the id in front of what the client sends. */
export const idBytes = 4;
const oddSizes = [0, 1, 2, 1447, 1448, 1449, 4096, 65_535, 65_536, 65_537, 131_071];
const sendsMax = 6;
const bodyBytesMax = 300_000;
const largeBodyBytes = 1_500_001;
const waitMs = 8000;

function randomSize(random: () => number): number {
  const kind = random() % 20;
  if (kind === 0) return largeBodyBytes;
  return kind < 12 ? oddSizes[random() % oddSizes.length]! : random() % bodyBytesMax;
}

interface Send {
  readonly fromClient: boolean;
  readonly body: Uint8Array;
  readonly awaitsAll: boolean;
}

function randomSends(random: () => number, id: number, finale: Finale): Send[] {
  const idBody = new Uint8Array(idBytes);
  new DataView(idBody.buffer).setUint32(0, id, true);
  const sends: Send[] = [{ fromClient: true, body: idBody, awaitsAll: false }];
  const count = random() % (sendsMax + 1);
  for (let index = 0; index < count; index++) {
    const fromClient = random() % 2 === 0;
    const body = makeBody(randomSize(random), random());
    sends.push({ fromClient, body, awaitsAll: random() % 2 === 0 });
  }
  // Whoever resets has heard before that all of its bytes have arrived.
  if (finale === "client resets" || finale === "server resets") {
    const fromClient = finale === "server resets";
    sends.push({ fromClient: !fromClient, body: makeBody(9, 1), awaitsAll: true });
    sends.push({ fromClient, body: makeBody(9, 2), awaitsAll: true });
  }
  return sends;
}

function sideOf(sends: readonly Send[], isClient: boolean): Pick<SideScript, "steps"> {
  let otherBytes = 0;
  const steps: Step[] = [];
  for (const { fromClient, body, awaitsAll } of sends) {
    if (fromClient === isClient) steps.push({ body, awaitBytes: awaitsAll ? otherBytes : 0 });
    else otherBytes += body.length;
  }
  return { steps };
}

function finaleOf(finale: Finale, isClient: boolean): SideScript["finale"] {
  switch (finale) {
    case "both":
      return "shutdown";
    case "client first":
      return isClient ? "shutdown" : "shutdown after the other";
    case "server first":
      return isClient ? "shutdown after the other" : "shutdown";
    case "client resets":
      return isClient ? "reset" : "wait for the reset";
    case "server resets":
      return isClient ? "wait for the reset" : "reset";
  }
}

function endingOf(finale: Finale, isClient: boolean): Ending | undefined {
  if (finale !== "client resets" && finale !== "server resets") return "end";
  return (finale === "client resets") === isClient ? undefined : "reset";
}

/** Script number `id` of a seed; the same two numbers give the same script. */
export function makeScript(seed: number, id: number): ConnectionScript {
  const random = createRandom(seed * 7919 + id + 1);
  const finale = finales[random() % finales.length]!;
  const sends = randomSends(random, id, finale);
  const bodyOf = (isClient: boolean): Uint8Array =>
    Buffer.concat(sends.filter((send) => send.fromClient === isClient).map(({ body }) => body));
  const bodies = { client: bodyOf(true), server: bodyOf(false) };
  const side = (isClient: boolean): SideScript => ({
    ...sideOf(sends, isClient),
    isSlow: random() % 4 === 0,
    finale: finaleOf(finale, isClient),
    incomingBytes: isClient ? bodies.server.length : bodies.client.length,
  });
  const outcome = (isClient: boolean, incoming: Uint8Array): SideOutcome => ({
    bytes: incoming.length,
    checksum: checksumOf(incoming),
    ending: endingOf(finale, isClient),
  });
  return {
    id,
    client: side(true),
    server: side(false),
    expected: { client: outcome(true, bodies.server), server: outcome(false, bodies.client) },
  };
}

function readSlowly(peer: TcpPeer): void {
  let pieces = 0;
  peer.react(() => {
    pieces += 1;
    if (pieces % 3 !== 0) return;
    peer.pause();
    setTimeout(() => peer.resume(), 1);
  });
}

/** Plays one side of a script. @returns What it has seen. */
export async function playSide(peer: TcpPeer, script: SideScript): Promise<SideOutcome> {
  if (script.isSlow) readSlowly(peer);
  for (const { body, awaitBytes } of script.steps) {
    if (awaitBytes > 0) await peer.untilReceived(awaitBytes, waitMs);
    peer.send(body);
  }
  let ending: Ending | undefined;
  if (script.finale === "reset") {
    await peer.untilReceived(script.incomingBytes, waitMs);
    peer.reset();
  } else {
    if (script.finale === "shutdown") peer.shutdown();
    ending = await peer.untilEnding(waitMs);
    if (script.finale === "shutdown after the other") peer.shutdown();
  }
  return { bytes: peer.receivedBytes, checksum: peer.checksum, ending };
}
