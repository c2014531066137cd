/**
 * TCP ports for programs that cannot be told to choose one themselves.
 *
 * @module
 */
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

import { waitFor } from "./wait.ts";

function listen(host: string): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, host, () => resolve(server));
  return promise;
}

/** What this process was given: the kernel may soon choose a port again that is not used yet. */
const given = new Set<number>();

/**
 * Ports that were free a moment ago and differ from each other and from all given before.
 *
 * Another program may take one before it is used: whoever can bind port 0 itself should.
 */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    while (ports.length < count) {
      const server = await listen(host);
      servers.push(server);
      const { port } = server.address() as AddressInfo;
      if (given.has(port)) continue;
      given.add(port);
      ports.push(port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}

/** One port as of {@link freePorts}. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const [port] = await freePorts(1, host);
  return port!;
}

/** True if something accepts TCP connections there. */
export async function isListening(port: number, host = "127.0.0.1"): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: host, port, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch (error) {
    // A director that may give a client to nobody yet takes it and resets it at once.
    return error instanceof Error && "code" in error && error.code === "ECONNRESET";
  }
}

/** Waits until something accepts TCP connections there. */
export async function waitForPort(port: number, host = "127.0.0.1"): Promise<void> {
  await waitFor(() => isListening(port, host), { what: `listener on ${host}:${port}` });
}
