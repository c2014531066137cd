/**
 * TCP clients and servers of tests, on loopback.
 *
 * @module
 */

import { AF_INET, AF_INET6, SOCK_STREAM } from "../../../ffi/constants/socket.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { checkResult, closeDescriptor, localAddress, openSocket } from "../../../ffi/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { until, within } from "./deadline.ts";
import { TcpPeer, tcpPeerHandler } from "./tcp-peer.ts";

/** A server of a test with the connections it got, in their order. */
export interface TcpServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly peers: readonly TcpPeer[];
  /** Waits for connection number `index`, from 0. */
  peer(index?: number): Promise<TcpPeer>;
  /** Stops listening; `reset`: ends the connections too. */
  stop(reset?: boolean): void;
}

/** Starts a server. `onPeer` is called for each connection, before anything arrives. */
export function openTcpServer(
  onPeer: (peer: TcpPeer) => void = () => undefined,
  { address = "127.0.0.1", port = 0 }: { address?: string; port?: number } = {},
): TcpServer {
  const peers: TcpPeer[] = [];
  const listener = Bun.listen<TcpPeer>({
    hostname: address,
    port,
    allowHalfOpen: true,
    socket: {
      ...tcpPeerHandler,
      open(socket) {
        const peer = new TcpPeer();
        socket.data = peer;
        peer.opened(socket);
        peers.push(peer);
        onPeer(peer);
      },
    },
  });
  const stop = (reset = false): void => {
    listener.stop();
    if (reset) for (const peer of peers) peer.reset();
  };
  return {
    address,
    port: listener.port,
    peers,
    peer: (index = 0) => until(() => peers[index], `the server gets connection ${index}`),
    stop,
    [Symbol.asyncDispose]: async () => stop(true),
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Connects. A reset right behind the handshake is an ending. @throws When nobody listens. */
export async function connectTcp(
  port: number,
  address = "127.0.0.1",
  localAddressText?: string,
): Promise<TcpPeer> {
  const peer = new TcpPeer();
  const options = { hostname: address, port, allowHalfOpen: true, data: peer };
  // Bun takes localAddress, though its types do not tell.
  const local = localAddressText === undefined ? {} : { localAddress: localAddressText };
  const connecting = Bun.connect<TcpPeer>({ ...options, ...local, socket: tcpPeerHandler });
  try {
    await within(connecting, `a connection to ${address}:${port}`);
  } catch (error) {
    if (codeOf(error) !== "ECONNRESET") throw error;
    peer.ended("reset");
  }
  return peer;
}

/** True if a connect to the address is refused. */
export async function isRefused(port: number, address = "127.0.0.1"): Promise<boolean> {
  try {
    (await connectTcp(port, address)).reset();
    return false;
  } catch (error) {
    return codeOf(error) === "ECONNREFUSED";
  }
}

/**
 * Ports in a row that nothing on any of the loopback addresses uses: bound for a moment and let
 * go. From below the kernel's own range, where connections of other tests leave no gaps.
 */
export function freePorts(count = 1): readonly number[] {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const ports = Array.from({ length: count }, (_, index) => port + index);
    if (ports.every((each) => each <= 65535 && isBindable(each))) return ports;
  }
  throw new Error(`No ${count} free ports in a row`);
}

function isBindable(port: number): boolean {
  const fd = openSocket(AF_INET6, SOCK_STREAM);
  const any = encodeSockaddr(parseAddress("::")!, port);
  const isBound = libc.bind(fd, addressOf(any), any.length) !== -1;
  closeDescriptor(fd);
  return isBound;
}

/** A port that nothing listens on: a connect is refused. */
export function refusedPort(): number {
  return freePorts()[0]!;
}

/** An address that accepts no connection and refuses none: the queue of its listener is full. */
export function openBlackHole(): { readonly port: number } & Disposable {
  const listener = openSocket(AF_INET, SOCK_STREAM);
  const local = encodeSockaddr(parseAddress("127.0.0.1")!, 0);
  checkResult(libc.bind(listener, addressOf(local), local.length), "bind", "black hole");
  checkResult(libc.listen(listener, 0), "listen", "black hole");
  const { port } = localAddress(listener)!;
  const target = encodeSockaddr(parseAddress("127.0.0.1")!, port);
  // A queue of length 0 takes one connection; the next ones get no answer to their SYN.
  const fillers = Array.from({ length: 3 }, () => {
    const fd = openSocket(AF_INET, SOCK_STREAM);
    libc.connect(fd, addressOf(target), target.length);
    return fd;
  });
  return {
    port,
    [Symbol.dispose]() {
      for (const fd of [...fillers, listener]) closeDescriptor(fd);
    },
  };
}
