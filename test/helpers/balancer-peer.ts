/**
 * Both ends of a balanced connection, as programs for a namespace of a test.
 *
 *     bun test/helpers/balancer-peer.ts serve NAME IP…    web and TCP echo servers; UDP echo on addresses
 *     bun test/helpers/balancer-peer.ts get URL COUNT     the bodies, as JSON
 *     bun test/helpers/balancer-peer.ts hold HOST COUNT   connections that echo until told to stop
 *     bun test/helpers/balancer-peer.ts echo HOST PORT BYTES…  datagrams; their answers, as JSON
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { Socket } from "node:net";

/** What it can be told to be. */
export type BalancerPeerMode = "serve" | "get" | "hold" | "echo";

const webPort = 80;
const echoPort = 7;

const bigBytes = 2_000_000;
const echoTimeoutMs = 2000;

function serve(name: string): void {
  Bun.serve({
    hostname: "::",
    port: webPort,
    fetch(request, server) {
      if (request.url.endsWith("/big")) return new Response(new Uint8Array(bigBytes));
      if (request.method === "POST") {
        return request.bytes().then((body) => new Response(String(body.length)));
      }
      return new Response(`${name} ${server.requestIP(request)?.address ?? ""}`);
    },
  });
  Bun.listen({
    hostname: "::",
    port: echoPort,
    socket: {
      data(socket, bytes) {
        socket.write(`${name} ${new TextDecoder().decode(bytes)}`);
      },
    },
  });
}

/** One socket an address: a wildcard one would not answer from the address that was asked. */
async function serveDatagrams(name: string, addresses: readonly string[]): Promise<void> {
  for (const hostname of addresses) {
    await Bun.udpSocket({
      hostname,
      port: echoPort,
      socket: {
        data(socket, bytes, port, address) {
          const answer = new Uint8Array([...new TextEncoder().encode(name), ...bytes]);
          try {
            socket.send(answer, port, address);
          } catch {
            // Too large for the way back; the client hears nothing.
          }
        },
        // A router says so later.
        error() {},
      },
    });
  }
  process.stdout.write("serving\n");
}

async function get(url: string, count: number): Promise<void> {
  const bodies: string[] = [];
  for (let turn = 0; turn < count; turn++) {
    const init = url.endsWith("/upload") ? { method: "POST", body: new Uint8Array(bigBytes) } : {};
    const headers = { connection: "close" };
    const signal = AbortSignal.timeout(echoTimeoutMs);
    try {
      const answer = await fetch(url, { ...init, headers, signal, keepalive: false });
      const body = await answer.text();
      bodies.push(body.length > 100 ? String(body.length) : body);
    } catch (error) {
      bodies.push(String(error));
    }
  }
  process.stdout.write(`${JSON.stringify(bodies)}\n`);
}

/** Writes a line with what each connection has heard: `{"r1": 5}`, after each round. */
async function hold(host: string, count: number): Promise<void> {
  const sockets: { socket: Socket; heard: string; fault: string }[] = [];
  for (let turn = 0; turn < count; turn++) {
    const socket = new Socket();
    const one = { socket, heard: "", fault: "" };
    socket.on("data", (bytes) => (one.heard = bytes.toString().split(" ")[0]!));
    socket.on("error", (error) => (one.fault = error.message));
    socket.on("close", () => (one.fault ||= "closed"));
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("close", resolve);
    socket.connect(echoPort, host, resolve);
    await promise;
    sockets.push(one);
  }
  for (let round = 0; ; round++) {
    for (const one of sockets) {
      one.heard = "";
      one.socket.write("x");
    }
    await Bun.sleep(100);
    const heard: Record<string, number> = {};
    for (const what of sockets.map((one) => one.fault || one.heard || "nothing").toSorted()) {
      heard[what] = (heard[what] ?? 0) + 1;
    }
    process.stdout.write(`${round} ${JSON.stringify(heard)}\n`);
  }
}

async function echo(host: string, port: number, sizes: readonly number[]): Promise<void> {
  const answers: string[] = [];
  for (const size of sizes) {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = createSocket("udp4");
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    socket.on("message", (bytes) => {
      resolve(`${bytes.subarray(0, 2).toString()} ${bytes.length - 2}`);
    });
    // Only a connected socket hears of ICMP errors.
    socket.connect(port, host, () => socket.send(new Uint8Array(size)));
    const timer = setTimeout(() => resolve("nothing"), echoTimeoutMs);
    answers.push(await promise);
    clearTimeout(timer);
    socket.close();
  }
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}

if (import.meta.main) {
  const [mode, first, ...rest] = process.argv.slice(2);
  if (mode === "serve") {
    serve(first!);
    await serveDatagrams(first!, rest);
  }
  if (mode === "get") await get(first!, Number(rest[0]));
  if (mode === "hold") await hold(first!, Number(rest[0]));
  if (mode === "echo") await echo(first!, Number(rest[0]), rest.slice(1).map(Number));
}
