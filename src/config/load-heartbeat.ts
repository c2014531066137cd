/**
 * Heartbeat's folder on this host: which one is meant, and what the host knows that its files leave
 * to it.
 *
 * @module
 */

import { existsSync, statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";

import type { HeartbeatHost, LdirectordHost } from "./import/index.ts";

/** Where Heartbeat looks for the scripts of haresources. */
const scriptFolders = ["/etc/ha.d/resource.d", "/etc/init.d"] as const;

/** The folder that is meant by it, or by the path of its ha.cf; undefined for any other path. */
export function heartbeatFolder(path: string): string | undefined {
  if (basename(path) === "ha.cf") return dirname(path);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder && existsSync(join(path, "ha.cf")) ? path : undefined;
}

/** Addresses of this host with their networks, without its loopback. */
export function readNetworks(): NonNullable<HeartbeatHost["networks"]> {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ address, cidr, internal }) => {
      const prefixBits = Number(cidr?.split("/")[1]);
      return internal || Number.isNaN(prefixBits) ? [] : [{ interface: name, address, prefixBits }];
    }),
  );
}

/** Path of a resource script; undefined if no folder has it. */
export function findScript(name: string): string | undefined {
  return scriptFolders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Path of an ldirectord.cf as haresources names it: in the folder of Heartbeat's files, in `conf`
 * below it, or absolute. Undefined if there is none.
 */
export function findLdirectordFile(folder: string, name: string): string | undefined {
  const paths = isAbsolute(name) ? [name] : [join(folder, name), join(folder, "conf", name)];
  return paths.find((path) => existsSync(path));
}

/** What this host knows, for a director that runs from the folder itself: its key is authkeys. */
export function heartbeatHost(names: Required<LdirectordHost>, folder: string): HeartbeatHost {
  return {
    ...names,
    nodeName: names.hostName,
    networks: readNetworks(),
    findScript,
    keyFile: join(folder, "authkeys"),
  };
}
