/**
 * Generic netlink (linux/genetlink.h): families by name, whose numbers each kernel gives anew.
 *
 * ```text
 * struct genlmsghdr: command 1 | version 1 | reserved 2      then attributes
 * ```
 *
 * @module
 */

import {
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_VERSION,
  CTRL_CMD_GETFAMILY,
  GENL_ID_CTRL,
  NETLINK_GENERIC,
} from "../../../ffi/constants/netlink.ts";
import { ENOENT } from "../../../ffi/errno.ts";
import { attribute, AttributeReader, concatenate, encodeAttributes } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import { isRefusal, NetlinkError } from "../error.ts";
import type { NetlinkMessage } from "../message.ts";
import { openNetlink } from "../socket.ts";
import type { Decode, NetlinkSocket, NetlinkSocketSettings } from "../socket.ts";

/** Length of `struct genlmsghdr`. */
export const genericHeadBytes = 4;

const controlVersion = 2;

/** Command and attributes of a family's request. */
export interface GenericPayload {
  readonly command: number;
  readonly version: number;
  readonly attributes: readonly Attribute[];
}

/** Payload of a generic netlink message. */
export function encodeGeneric({ command, version, attributes }: GenericPayload): Uint8Array {
  return concatenate(Uint8Array.of(command, version, 0, 0), encodeAttributes(attributes));
}

/** Command and attributes of an answer. */
export interface GenericAnswer {
  readonly command: number;
  readonly attributes: AttributeReader;
}

/** Reads the payload of a generic netlink message. Never throws. */
export function decodeGeneric({ payload }: NetlinkMessage): Decoded<GenericAnswer> {
  if (payload.length < genericHeadBytes) return faulty("truncated");
  const attributes = new AttributeReader(payload.subarray(genericHeadBytes));
  return decoded({ command: payload[0]!, attributes });
}

/** A family of the running kernel. */
export interface GenericFamily {
  /** Message type of its requests. */
  readonly id: number;
  readonly version: number;
}

/** A family, or that this kernel has none of that name. */
export type FamilyAnswer =
  | { readonly isSupported: true; readonly family: GenericFamily }
  | { readonly isSupported: false; readonly reason: string };

/** Reads the answer to CTRL_CMD_GETFAMILY. Never throws. */
export function decodeFamily(message: NetlinkMessage): Decoded<GenericFamily> {
  const answer = decodeGeneric(message);
  if (!answer.ok) return answer;
  const { attributes } = answer.value;
  const id = attributes.u16(CTRL_ATTR_FAMILY_ID);
  const version = attributes.u32(CTRL_ATTR_VERSION) ?? 1;
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  return id === undefined ? faulty("missing") : decoded({ id, version });
}

/** A request to a family. */
export interface GenericRequest {
  /** What it is to do, for the error: reads on from "Cannot". */
  readonly operation: string;
  readonly command: number;
  readonly attributes?: readonly Attribute[];
}

/** Generic netlink of one namespace; remembers the families it asked for. The opener closes it. */
export class GenericSocket implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #answers = new Map<string, FamilyAnswer>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /**
   * Number of a family. The kernel may load its module for that; an answer of either kind is kept
   * until {@link forgetFamily}.
   */
  findFamily(name: string): FamilyAnswer {
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    const answer = this.#askFamily(name);
    this.#answers.set(name, answer);
    return answer;
  }

  /** Asks the kernel again at the next use, for example after a module was loaded. */
  forgetFamily(name: string): void {
    this.#answers.delete(name);
  }

  /**
   * Sends a request to a family and waits for its end.
   *
   * @throws {NetlinkError} `NETLINK_NOT_SUPPORTED` without the family, else as
   *   `NetlinkSocket.request`.
   */
  request<Value = never>(name: string, request: GenericRequest, decode?: Decode<Value>): Value[] {
    return this.#socket.request(this.#addressed(name, request), decode);
  }

  /** Asks a family for a list. @throws {NetlinkError} As `NetlinkSocket.dump`. */
  dump<Value>(name: string, request: GenericRequest, decode: Decode<Value>): Value[] {
    return this.#socket.dump(this.#addressed(name, request), decode);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #addressed(name: string, { operation, command, attributes = [] }: GenericRequest) {
    const answer = this.findFamily(name);
    if (!answer.isSupported) {
      const message = `Cannot ${operation}: ${answer.reason}`;
      throw new NetlinkError("NETLINK_NOT_SUPPORTED", message);
    }
    const { id, version } = answer.family;
    return { operation, type: id, payload: encodeGeneric({ command, version, attributes }) };
  }

  #askFamily(name: string): FamilyAnswer {
    const payload = encodeGeneric({
      command: CTRL_CMD_GETFAMILY,
      version: controlVersion,
      attributes: [attribute.text(CTRL_ATTR_FAMILY_NAME, name)],
    });
    const operation = `find the generic netlink family ${name}`;
    const request = { operation, type: GENL_ID_CTRL, payload };
    try {
      const [family] = this.#socket.request(request, decodeFamily);
      if (family !== undefined) return { isSupported: true, family };
    } catch (error) {
      if (!isRefusal(error, ENOENT)) throw error;
    }
    return { isSupported: false, reason: `this kernel has no netlink family ${name}` };
  }
}

/**
 * Opens generic netlink in the network namespace of this thread. The caller closes it.
 *
 * @throws {NetlinkError} `NETLINK_SOCKET`.
 */
export function openGenericSocket(settings?: NetlinkSocketSettings): GenericSocket {
  return new GenericSocket(openNetlink(NETLINK_GENERIC, settings));
}
