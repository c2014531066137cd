/**
 * The fall-back fence in the kernel: made, renewed and closed through one netlink socket.
 *
 * From Linux 6.9 on the socket owns the table: nobody else can change it, and when the socket is
 * closed or its process ends the table stays, is nobody's, and the next may have it. Before, a
 * table that has an owner goes with it, and with it the fence; so there it has none: it stays too,
 * but whoever flushes the ruleset removes it.
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
import { ENOENT, EOPNOTSUPP } from "../../../ffi/errno.ts";
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
  removeFence,
  removeFenceDevice,
  renewLease,
  replaceFence,
} from "./fence.ts";
import type { FenceDevice, FenceLease, FenceSpec } from "./fence.ts";

const nfgenBytes = 4;

/** What {@link openNftFence} may be told. */
export interface NftFenceSettings extends NetlinkSocketSettings {
  /** False: as on a kernel before 6.9, the table belongs to nobody. @default what the kernel can */
  readonly isOwned?: boolean;
}

/** Owner of the table an answer describes; 0 if nobody owns it. */
function decodeOwner({ type, payload }: NetlinkMessage): Decoded<number | undefined> {
  if (type !== nftablesType(NFT_MSG_NEWTABLE)) return decoded(undefined);
  if (payload.length < nfgenBytes) return faulty("truncated");
  const attributes = new AttributeReader(payload.subarray(nfgenBytes));
  const owner = attributes.be32(NFTA_TABLE_OWNER) ?? 0;
  return attributes.fault === undefined ? decoded(owner) : faulty(attributes.fault);
}

/** A fence of nf_tables and the socket that made it. It stays when the socket is closed. */
export class NftFence implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #table: string;
  /** False where the kernel has only tables that go with their owner. */
  #isOwned: boolean;

  /** @param isOwned False: as a kernel before 6.9 has it. */
  constructor(socket: NetlinkSocket, table: string, isOwned = true) {
    this.#socket = socket;
    this.#table = table;
    this.#isOwned = isOwned;
  }

  /**
   * Makes the fence, or puts another in its place, closed for every instance without a lease in
   * `spec`.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED`: `EPERM` without CAP_NET_ADMIN or if another process
   *   owns a table of this name, `EOPNOTSUPP` where the kernel lacks nf_tables or the egress hook
   *   (before 5.16), `ENOENT` if a device is gone.
   */
  replace(spec: Omit<FenceSpec, "isOwned" | "table">): void {
    try {
      this.#replace(spec);
    } catch (error) {
      if (!this.#isOwned || !isRefusal(error, EOPNOTSUPP)) throw error;
      this.#isOwned = false;
      this.#replace(spec);
    }
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
    this.renewAll([{ id, timeoutMs }]);
  }

  /** As {@link renew}, of several in one step. */
  renewAll(leases: readonly FenceLease[]): void {
    const operation = `renew the lease of instance ${leases.map(({ id }) => id).join(", ")}`;
    const changes = leases.flatMap(({ id, timeoutMs }) => renewLease(this.#table, id, timeoutMs));
    try {
      this.#transact(operation, changes);
    } catch (error) {
      // Kernels before 6.8 may see the element end between two changes of the transaction.
      if (!isRefusal(error, ENOENT)) throw error;
      this.#transact(operation, changes);
    }
  }

  /** Closes instances at once. @throws {NetlinkError} As {@link renew}. */
  shut(...ids: readonly number[]): void {
    const changes = ids.flatMap((id) => closeLease(this.#table, id));
    this.#transact(`close instance ${ids.join(", ")}`, changes);
  }

  /**
   * Takes the fence away; false if there was none.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED`: `EPERM` if another process owns it.
   */
  remove(): boolean {
    try {
      this.#transact(`remove the fence ${this.#table}`, removeFence(this.#table));
      return true;
    } catch (error) {
      if (isRefusal(error, ENOENT)) return false;
      throw error;
    }
  }

  /** True if the table is there, and belongs to this socket where the kernel can do that. */
  isInPlace(): boolean {
    const payload = encodeNetfilter(NFPROTO_NETDEV, 0, [
      attribute.text(NFTA_TABLE_NAME, this.#table),
    ]);
    const operation = `read the table ${this.#table}`;
    const request = { operation, type: nftablesType(NFT_MSG_GETTABLE), payload };
    try {
      const owner = this.#socket.request(request, decodeOwner)[0];
      return owner === (this.#isOwned ? this.#socket.port : 0);
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

  #replace(spec: Omit<FenceSpec, "isOwned" | "table">): void {
    const changes = replaceFence({ ...spec, table: this.#table, isOwned: this.#isOwned });
    this.#transact(`make the fence ${this.#table}`, changes);
  }

  #transact(operation: string, changes: readonly Change[]): void {
    this.#socket.transact(operation, transactionMessages(changes), (sequence) =>
      encodeTransaction(changes, sequence),
    );
  }
}

/**
 * Opens a socket that will make, or remove, the fence of this name.
 *
 * @throws {NetlinkError} `NETLINK_NOT_SUPPORTED` if the kernel has no nfnetlink, `NETLINK_SOCKET`.
 */
export function openNftFence(table: string, settings: NftFenceSettings = {}): NftFence {
  return new NftFence(openNetlink(NETLINK_NETFILTER, settings), table, settings.isOwned);
}
