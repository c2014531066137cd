/**
 * What a comparison with ldirectord consists of: a configuration, real servers, and what happens
 * to them.
 *
 * @module
 */
import type { Behaviour, Dialogue } from "../../helpers/ldirectord/check-server.ts";
import type { DifferenceName } from "./differences.ts";

/** A real server of a case. */
export interface ServerPlan {
  /** If not an address of 127.0.0.0/8 of its own. */
  readonly address?: string;
  /** If not a free one. */
  readonly port?: number;
  readonly pages?: Readonly<Record<string, string>>;
  readonly redirects?: Readonly<Record<string, string>>;
  readonly dialogue?: Dialogue;
  /** It speaks TLS; its certificate, of an authority that ldirectord trusts, has this fault. */
  readonly tls?: "another name" | "expired";
}

/** Something happens, and then both tables are looked at. */
export interface Step {
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  /** Another configuration. */
  readonly configuration?: string;
  /** Files in the folder of the case that come (true) or go. */
  readonly files?: Readonly<Record<string, boolean>>;
  /**
   * Who has a weight above 0 in the table of ldirectord then: `a b`, or `fallback`; at several
   * services of one server it stands once.
   */
  readonly serves: string;
  /** How the fallback command was called meanwhile; at the first step nobody looks. */
  readonly commands?: readonly string[];
  /** The table of neither changes, not even for a moment. */
  readonly isSteady?: boolean;
  /** Lines of the tables, `-` those that only ldirectord has, `+` those that only we have. */
  readonly differs?: Readonly<Partial<Record<DifferenceName, readonly string[]>>>;
}

/**
 * One comparison. In `configuration` and the paths, `{a}` stands for address and port of the
 * server a, `{a.host}` and `{a.port}` for one of them, `{vip}` for the virtual address, `{fallback}`
 * for an address and port that nobody checks, `{folder}` for a folder.
 */
export interface Case {
  readonly name: string;
  readonly servers: Readonly<Record<string, ServerPlan>>;
  readonly configuration: string;
  /** Executable files in the folder of the case, by name. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Failures in a row that it takes. */
  readonly failures?: number;
  /** What ldirectord asks of ipvsadm, and is refused. */
  readonly refused?: readonly string[];
  readonly steps: readonly Step[];
}

/** Timing of every case: rounds are short, and a busy machine makes no server look dead. */
export const timing = "checkinterval=1\nchecktimeout=3\nnegotiatetimeout=3\n";
