/**
 * Where an engine is tested that forwards packets between hosts: three namespaces in a row, client,
 * director and server. Tests speak of loopback as for the engines of user space; here each party's
 * 127.0.x.y stands for an address of its own network.
 *
 * The thread of the tests is the director's as long as a bench is open. It goes into another namespace
 * for the moment in which a socket is made there.
 *
 * @module
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

import { mountFileSystem } from "../../ffi/mount.ts";
import { enterNetwork } from "../../ffi/namespace.ts";
import type { ForwardingServer, ForwardingService } from "../../src/model/index.ts";
import { formatEndpoint } from "../../src/net/address.ts";
import type { Network } from "../../src/net/address.ts";
import { runProcess } from "../helpers/process.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

/** A party of a test. */
export type Party = "client" | "director" | "server";
/** Second byte of the addresses of each. */
const networks = { client: 201, director: 202, server: 203 } as const;

let placeCount = 0;

async function ip(text: string): Promise<void> {
  const { status, stderr } = await runProcess(["ip", ...text.split(" ")]);
  if (status !== 0) throw new Error(`ip ${text}: ${stderr}`);
}

/** The address of a party that stands for one of loopback; others stay. */
function toNetwork(address: string, party: Party): string {
  return address.replace(/^127\.0\.(\d+\.\d+)$/, `10.${networks[party]}.$1`);
}

function toLoopback(address: string): string {
  return address.replace(/^10\.20[123]\.(\d+\.\d+)$/, "127.0.$1");
}

function listNetwork({ address, prefixBits }: Network): Network {
  return { address: toNetwork(address, "client"), prefixBits: Math.max(prefixBits, 16) };
}

/** Namespaces of one group of tests; `await using` removes them. */
export class EnginePlace implements AsyncDisposable {
  readonly #prefix = `c${process.pid}-${placeCount++}`;
  readonly #origin = openSync("/proc/thread-self/ns/net", "r");
  readonly #namespaces = new Map<Party, number>();
  readonly #folder = createTempFolder();

  /** Makes them. */
  static async open(): Promise<EnginePlace> {
    const place = new EnginePlace();
    try {
      await place.#make();
      return place;
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** With a bpf file system of its own. */
  get runtimeDirectory(): string {
    return this.#folder.path;
  }

  /** This thread is the director's from here on. */
  enter(): void {
    enterNetwork(this.#namespaces.get("director")!);
  }

  /** This thread is where it was. */
  leave(): void {
    enterNetwork(this.#origin);
  }

  /** Makes a socket at a party; what `open` waits for is waited for by the director. */
  at<Result>(party: Party, open: () => Result): Result {
    enterNetwork(this.#namespaces.get(party)!);
    try {
      return open();
    } finally {
      this.enter();
    }
  }

  /** An address of a party. */
  address(loopback: string, party: Party): string {
    return toNetwork(loopback, party);
  }

  /** What an address stands for. */
  loopback(address: string): string {
    return toLoopback(address);
  }

  /** A service as it is here, by masq. */
  service(service: ForwardingService): ForwardingService {
    const listen = service.listen.map((one) => ({
      ...one,
      address: toNetwork(one.address, "director"),
    }));
    const servers = service.servers.map((server): ForwardingServer => {
      const address = toNetwork(server.address, "server");
      return { ...server, address, key: formatEndpoint({ address, port: server.port }) };
    });
    const [allow, deny] = [service.allow.map(listNetwork), service.deny.map(listNetwork)];
    return { ...service, forwarding: "masq", engine: "bpf", listen, servers, allow, deny };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave();
    for (const fd of [...this.#namespaces.values(), this.#origin]) closeSync(fd);
    for (const party of ["client", "director", "server"] as const) {
      await runProcess(["ip", "netns", "del", `${this.#prefix}-${party}`]);
    }
    // An engine that was closed has unmounted it.
    Bun.spawnSync(["umount", join(this.#folder.path, "bpf")]);
    this.#folder[Symbol.dispose]();
  }

  async #make(): Promise<void> {
    const mount = join(this.#folder.path, "bpf");
    mkdirSync(mount);
    mountFileSystem("bpf", mount);
    const name = (party: Party): string => `${this.#prefix}-${party}`;
    for (const party of ["client", "director", "server"] as const) {
      await ip(`netns add ${name(party)}`);
      this.#namespaces.set(party, openSync(`/run/netns/${name(party)}`, "r"));
      await ip(`-n ${name(party)} link set lo up`);
      await ip(`-n ${name(party)} route add local 10.${networks[party]}.0.0/16 dev lo`);
    }
    for (const [index, party] of (["client", "server"] as const).entries()) {
      const [host, director] = [name(party), name("director")];
      await ip(`-n ${director} link add ${party} type veth peer eth0 netns ${host}`);
      await ip(`-n ${director} link set ${party} up`);
      await ip(`-n ${host} link set eth0 up`);
      await ip(`-n ${director} addr add 10.200.${index}.1/24 dev ${party}`);
      await ip(`-n ${host} addr add 10.200.${index}.2/24 dev eth0`);
      const own = `10.${networks[party]}.0.1`;
      await ip(`-n ${host} route add default via 10.200.${index}.1 dev eth0 src ${own}`);
      await ip(`-n ${director} route add 10.${networks[party]}.0.0/16 dev ${party}`);
    }
  }
}
