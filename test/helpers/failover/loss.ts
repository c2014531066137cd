/**
 * Loss between two machines on the bridge of a test network; everybody else hears both. By nft, as
 * not every kernel has netem.
 *
 * @module
 */
import { runProcess } from "../process.ts";

/** Two machines, and the bridge between them. */
export interface Segment {
  /** Namespace of the bridge. */
  readonly bridge: string;
  /** Ports of the two on it. */
  readonly ports: readonly [string, string];
}

async function nft({ bridge }: Segment, commands: string): Promise<void> {
  const command = ["ip", "netns", "exec", bridge, "nft", commands];
  const { status, stderr } = await runProcess(command);
  if (status !== 0) throw new Error(`nft ${commands}: ${stderr}`);
}

/** Drops `percent` of what the two send each other, at random; of 100 everything. */
export async function dropBetween(segment: Segment, percent: number): Promise<void> {
  const [one, other] = segment.ports;
  const match = percent === 100 ? "" : `numgen random mod 100 < ${percent} `;
  await nft(
    segment,
    `add table bridge loss;
     add chain bridge loss f { type filter hook forward priority 0; };
     add rule bridge loss f iifname ${one} oifname ${other} ${match}drop;
     add rule bridge loss f iifname ${other} oifname ${one} ${match}drop`,
  );
}

/** Ends {@link dropBetween}. */
export async function passBetween(segment: Segment): Promise<void> {
  await nft(segment, "delete table bridge loss");
}
