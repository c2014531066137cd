/**
 * The fall-back fence in the kernel: made, renewed and closed through one netlink socket, which
 * owns the table. When the socket is closed or its process ends, the table goes: so the guard must
 * hold it, not the director.
 *
 * Synchronous; of the network namespace of the thread that opened it; belongs to that thread.
 *
 * @module
 */

import { NETLINK_NETFILTER } from "../../../ffi/constants/netlink.ts";
import {
  NFPROTO_NETDEV,
  NFT_MSG_GETTABLE,
  NFT_MSG_NEWTABLE,
  NFTA_TABLE_NAME,
  NFTA_TABLE_OWNER,
} from "../../../ffi/constants/nf-tables.ts";
import { ENOENT } from "../../../ffi/errno.ts";
import { attribute, AttributeReader } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import { isRefusal } from "../error.ts";
import type { NetlinkMessage } from "../message.ts";
import { openNetlink } from "../socket.ts";
import type { NetlinkSocket, NetlinkSocketSettings } from "../socket.ts";
import { encodeNetfilter, encodeTransaction, nftablesType, transactionMessages } from "./batch.ts";
import type { Change } from "./batch.ts";
import {
  addFenceDevice,
  closeLease,
  removeFenceDevice,
  renewLease,
  replaceFence,
} from "./fence.ts";
import type { FenceDevice, FenceSpec } from "./fence.ts";

const nfgenBytes = 4;

/** Owner of the table an answer describes; 0 if nobody owns it. */
function decodeOwner({ type, payload }: NetlinkMessage): Decoded<number | undefined> {
  if (type !== nftablesType(NFT_MSG_NEWTABLE)) return decoded(undefined);
  if (payload.length < nfgenBytes) return faulty("truncated");
  const attributes = new AttributeReader(payload.subarray(nfgenBytes));
  const owner = attributes.be32(NFTA_TABLE_OWNER) ?? 0;
  return attributes.fault === undefined ? decoded(owner) : faulty(attributes.fault);
}

/** A fence of nf_tables and the socket that owns it. Who closes it opens the fence. */
export class NftFence implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #table: string;

  constructor(socket: NetlinkSocket, table: string) {
    this.#socket = socket;
    this.#table = table;
  }

  /**
   * Makes the fence, or puts another in its place, closed for every instance without a lease in
   * `spec`.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED`: `EPERM` without CAP_NET_ADMIN or if another process
   *   owns a table of this name, `EOPNOTSUPP` where the kernel lacks nf_tables or the egress hook
   *   (before 5.16), `ENOENT` if a device is gone.
   */
  replace(spec: Omit<FenceSpec, "table">): void {
    const changes = replaceFence({ ...spec, table: this.#table });
    this.#transact(`make the fence ${this.#table}`, changes);
  }

  /** Fences another device. @throws {NetlinkError} `NETLINK_REFUSED`. */
  addDevice(device: FenceDevice): void {
    this.#transact(`fence ${device.name}`, addFenceDevice(this.#table, device));
  }

  /** Takes a device out; false if it was not in, or the kernel removed it with the device. */
  removeDevice(index: number): boolean {
    try {
      this.#transact(`take ${index} out of the fence`, removeFenceDevice(this.#table, index));
      return true;
    } catch (error) {
      if (isRefusal(error, ENOENT)) return false;
      throw error;
    }
  }

  /**
   * Opens an instance from now on for so long.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED` with `ENOENT` if the table is gone.
   */
  renew(id: number, timeoutMs: number): void {
    const operation = `renew the lease of instance ${id}`;
    const changes = renewLease(this.#table, id, timeoutMs);
    try {
      this.#transact(operation, changes);
    } catch (error) {
      // Kernels before 6.8 may see the element end between two changes of the transaction.
      if (!isRefusal(error, ENOENT)) throw error;
      this.#transact(operation, changes);
    }
  }

  /** Closes an instance at once. @throws {NetlinkError} As {@link renew}. */
  shut(id: number): void {
    this.#transact(`close instance ${id}`, closeLease(this.#table, id));
  }

  /** True if the table is there and belongs to this socket. */
  isInPlace(): boolean {
    const payload = encodeNetfilter(NFPROTO_NETDEV, 0, [
      attribute.text(NFTA_TABLE_NAME, this.#table),
    ]);
    const operation = `read the table ${this.#table}`;
    const request = { operation, type: nftablesType(NFT_MSG_GETTABLE), payload };
    try {
      return this.#socket.request(request, decodeOwner)[0] === this.#socket.port;
    } catch (error) {
      if (isRefusal(error, ENOENT)) return false;
      throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #transact(operation: string, changes: readonly Change[]): void {
    this.#socket.transact(operation, transactionMessages(changes), (sequence) =>
      encodeTransaction(changes, sequence),
    );
  }
}

/**
 * Opens a socket that will own the fence of this name.
 *
 * @throws {NetlinkError} `NETLINK_NOT_SUPPORTED` if the kernel has no nfnetlink, `NETLINK_SOCKET`.
 */
export function openNftFence(table: string, settings?: NetlinkSocketSettings): NftFence {
  return new NftFence(openNetlink(NETLINK_NETFILTER, settings), table);
}
