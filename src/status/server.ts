/**
 * Listeners of the status endpoint: one over TCP, and the control socket.
 *
 * @module
 */

import { hostname } from "node:os";

import type { Clock } from "../clock/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Endpoint } from "../net/address.ts";
import { createStatusApp } from "./app.ts";
import type { StatusApp } from "./app.ts";
import { openControlSocket } from "./control-socket.ts";
import { bodyBytesMax } from "./request.ts";
import type { StatusSource } from "./source.ts";

/** Longer than the heartbeat of event streams, so that only dead connections are closed. */
const idleTimeoutSeconds = 60;

/** Where to listen, for whom, and the parts that tests replace. */
export interface StatusServerOptions {
  readonly source: StatusSource;
  /** TCP listener; undefined: control socket only. Port 0: any free one. */
  readonly listen?: Endpoint | undefined;
  /** Path of the control socket; undefined: none. Its folder must exist. */
  readonly unixPath?: string | undefined;
  /** Another process has `unixPath` for now: where to listen until `claim`. */
  readonly unixPathBefore?: string | undefined;
  /** Group that may use the control socket besides root. */
  readonly unixGid?: number | undefined;
  /** Tokens that may read, and that may read and change; see {@link readTokenFile}. */
  readonly readTokens?: readonly string[] | undefined;
  readonly writeTokens?: readonly string[] | undefined;
  readonly clock?: Clock | undefined;
  /** Uid of the peer of a connected unix socket, for the event log. */
  readonly peerUid?: ((fd: number) => number | undefined) | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A running endpoint. */
export interface StatusServer {
  /** Where TCP is listened, with the port in use; undefined: nowhere. */
  readonly endpoint: Endpoint | undefined;
  /** Takes the path of the control socket that another process had. */
  claim?(): void;
  /** Gives the path of the control socket to another process that listens at `next`. */
  giveWay?(next: string): void;
  /** Ends event streams and open requests, closes the listeners, removes the socket. */
  stop(): Promise<void>;
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** A listener that others can reach must not tell everybody everything. */
function requireTokens({ listen, readTokens }: StatusServerOptions): void {
  if (listen === undefined || isLoopback(listen.address)) return;
  if (readTokens !== undefined && readTokens.length > 0) return;
  const endpoint = formatEndpoint(listen);
  throw new ApplianceError(
    "STATUS_TOKEN_REQUIRED",
    `Cannot serve status at ${endpoint}: beyond loopback a read token is needed, got none`,
  );
}

function openTcp(app: StatusApp, listen: Endpoint) {
  try {
    return Bun.serve({
      hostname: listen.address,
      port: listen.port,
      development: false,
      // Outside of development mode Bun sets SO_REUSEPORT unless told not to: two directors would
      // share the port and each answer every other request.
      reusePort: false,
      idleTimeout: idleTimeoutSeconds,
      // The application refuses sooner and says why; this holds back what it never reads.
      maxRequestBodySize: 2 * bodyBytesMax,
      fetch: (request) => app.fetch(request, { via: "tcp" }),
    });
  } catch (error) {
    throw new ApplianceError(
      "STATUS_LISTEN",
      `Cannot serve status at ${formatEndpoint(listen)}: ${errorText(error)}`,
      { cause: error },
    );
  }
}

/**
 * Starts both listeners, or none.
 *
 * @throws {ApplianceError} `STATUS_TOKEN_REQUIRED` if the address is not loopback and no read
 *   token is given; `STATUS_LISTEN`, `STATUS_SOCKET_IN_USE` if a listener cannot be opened.
 */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  requireTokens(options);
  const { source, listen, unixPath, readTokens, writeTokens, clock, onError } = options;
  const app = createStatusApp(source, {
    listenAddress: listen?.address,
    hostNames: [hostname().toLowerCase()],
    readTokens,
    writeTokens,
    clock,
    onError,
  });
  const tcp = listen === undefined ? undefined : openTcp(app, listen);
  try {
    const { unixGid: gid, unixPathBefore: pathBefore, peerUid } = options;
    const control =
      unixPath === undefined
        ? undefined
        : await openControlSocket({ path: unixPath, pathBefore, gid, app, peerUid });
    return {
      endpoint:
        listen === undefined ? undefined : { address: listen.address, port: tcp?.port ?? 0 },
      claim: () => control?.claim(),
      giveWay: (next) => control?.giveWay(next),
      async stop() {
        app.close();
        control?.stop();
        await tcp?.stop(true);
      },
    };
  } catch (error) {
    await tcp?.stop(true);
    throw error;
  }
}
