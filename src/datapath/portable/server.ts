/**
 * One real server or fallback of one service: state, thresholds, counters.
 *
 * @module
 */

import { invariant } from "../../errors/index.ts";
import type { ForwardingServer, ServerState } from "../../model/index.ts";
import { foldAddress, parseAddress } from "../../net/address.ts";
import type { AddressBytes } from "../../net/address.ts";
import type { Candidate } from "../../scheduler/index.ts";
import type { ServerCounters } from "../engine.ts";

/** Without a lower threshold, new connections are let in again at this part of the upper one. */
const defaultLowerPart = 3 / 4;

/** A server as this engine forwards to it. The flows write the counters. */
export class PortableServer implements Candidate {
  readonly key: string;
  readonly role: ForwardingServer["role"];
  readonly address: string;
  readonly addressBytes: AddressBytes;
  readonly addressWord: number;
  readonly port: number;
  weight = 0;
  state: ServerState = "quiescent";
  activeConnections = 0;
  inactiveConnections = 0;
  connections = 0;
  connectFailures = 0;
  bytesIn = 0;
  bytesOut = 0;
  packetsIn = 0;
  packetsOut = 0;
  #upperThreshold = 0;
  #lowerThreshold = 0;
  #isOverloaded = false;

  constructor(definition: ForwardingServer) {
    const bytes = parseAddress(definition.address);
    invariant(bytes !== undefined, `an engine gets addresses, not ${definition.address}`);
    this.key = definition.key;
    this.role = definition.role;
    this.address = definition.address;
    this.addressBytes = bytes;
    this.addressWord = foldAddress(bytes);
    this.port = definition.port;
    this.update(definition);
  }

  /** Takes weight, state and thresholds of a newer definition. */
  update(definition: ForwardingServer): void {
    this.state = definition.state;
    this.weight = definition.state === "active" ? definition.weight : 0;
    this.#upperThreshold = definition.upperThreshold;
    this.#lowerThreshold =
      definition.lowerThreshold > 0
        ? definition.lowerThreshold
        : definition.upperThreshold * defaultLowerPart;
  }

  /** Takes no new connection from now on: the service no longer has it. */
  retire(): void {
    this.weight = 0;
    this.state = "quiescent";
  }

  get isOverloaded(): boolean {
    if (this.#upperThreshold === 0) return false;
    const connections = this.activeConnections + this.inactiveConnections;
    if (connections >= this.#upperThreshold) this.#isOverloaded = true;
    else if (connections <= this.#lowerThreshold) this.#isOverloaded = false;
    return this.#isOverloaded;
  }

  /** May get a connection now. */
  get canTake(): boolean {
    return this.weight > 0 && !this.isOverloaded;
  }

  counters(persistentEntries: number): ServerCounters {
    return {
      key: this.key,
      role: this.role,
      active: this.activeConnections,
      inactive: this.inactiveConnections,
      connections: this.connections,
      connectFailures: this.connectFailures,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      packetsIn: this.packetsIn,
      packetsOut: this.packetsOut,
      persistentEntries,
    };
  }
}
