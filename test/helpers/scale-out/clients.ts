/**
 * Clients of a scaled-out service: connections from many addresses, each of which sends a line every
 * few milliseconds and expects it back, byte for byte.
 *
 *     bun test/helpers/scale-out/clients.ts SETTINGS       JSON, ClientSettings
 *
 * Answers on the Unix socket of the settings, which is reached from outside the namespace: `/report`
 * tells what became of the connections, `/reconnect` first makes those anew that have ended. Prints
 * "listening".
 *
 * @module
 */
import { connect } from "node:net";
import type { Socket } from "node:net";

/** What the clients are told. */
export interface ClientSettings {
  /** Path of the socket that it answers on. */
  readonly control: string;
  readonly host: string;
  readonly port: number;
  /** Addresses of the clients. */
  readonly sources: readonly string[];
  /** Connections of each. */
  readonly connections: number;
}

/** One connection as its client sees it. */
export interface ClientFlow {
  readonly source: string;
  /** Real server and director that it goes through; empty before the first line came. */
  readonly server: string;
  readonly director: string;
  readonly state: "open" | "ended";
  /** Why it ended. */
  readonly reason: string;
  /** Lines that came back. */
  readonly echoes: number;
  /** Times that something else came back than what was sent. */
  readonly faults: number;
}

const sendIntervalMs = 50;
/**
 * A client whose answer was lost with its director would wait for ever: nothing is left to be sent,
 * so nobody can tell it. Longer than TCP needs to send again what was lost.
 */
const answerTimeoutMs = 8_000;

interface Flow {
  flow: ClientFlow;
  readonly socket: Socket;
}

function open(settings: ClientSettings, source: string): Flow {
  const { host, port } = settings;
  const socket = connect({ host, port, localAddress: source });
  const fresh = { source, server: "", director: "", reason: "", echoes: 0, faults: 0 };
  const it: Flow = { flow: { ...fresh, state: "open" }, socket };
  const update = (changes: Partial<ClientFlow>): void =>
    void (it.flow = { ...it.flow, ...changes });
  let received = "";
  let sent = 0;
  let sentAtMs = performance.now();
  const timer = setInterval(() => {
    if (it.flow.server !== "" && sent === it.flow.echoes + it.flow.faults) {
      sentAtMs = performance.now();
      socket.write(`${source} ${sent++}\n`);
    } else if (performance.now() - sentAtMs > answerTimeoutMs) {
      socket.destroy(new Error("no answer"));
    }
  }, sendIntervalMs);
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => {
    received += bytes.toString();
    for (let end = received.indexOf("\n"); end !== -1; end = received.indexOf("\n")) {
      const line = received.slice(0, end);
      received = received.slice(end + 1);
      const { server, echoes, faults } = it.flow;
      if (server === "") {
        const [by = "", through = ""] = line.split(" ");
        update({ server: by, director: through });
      } else if (line === `${source} ${sent - 1}`) update({ echoes: echoes + 1 });
      else update({ faults: faults + 1 });
    }
  });
  const end = (reason: string): void => {
    clearInterval(timer);
    if (it.flow.state === "open") update({ state: "ended", reason });
  };
  socket.on("error", (error) => end(error.message));
  socket.on("close", () => end("closed"));
  return it;
}

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2]!) as ClientSettings;
  const { sources, connections } = settings;
  const flows = sources.flatMap((source) =>
    Array.from({ length: connections }, () => open(settings, source)),
  );
  Bun.serve({
    unix: settings.control,
    fetch(request) {
      if (new URL(request.url).pathname === "/reconnect") {
        for (const [index, { flow }] of flows.entries()) {
          if (flow.state === "ended") flows[index] = open(settings, flow.source);
        }
      }
      return Response.json(flows.map(({ flow }) => flow));
    },
  });
  process.stdout.write("listening\n");
}
