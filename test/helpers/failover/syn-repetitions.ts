/**
 * SYN that a host had to send again: nobody took the one before, for a whole second.
 *
 * @module
 */
import type { Host } from "../netns.ts";

/** How many it has sent so far (TcpExt TCPSynRetrans of /proc/net/netstat). */
export async function synRepetitions(host: Host): Promise<number> {
  const { stdout } = await host.run(["cat", "/proc/net/netstat"]);
  const [names, values] = stdout
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  return Number(values![names!.indexOf("TCPSynRetrans")]);
}
