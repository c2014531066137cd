/**
 * Cost of many health checks: CPU per check and how late checks start.
 *
 * Run: `bun bench/check.bench.ts [connect|http] [CHECKS] [INTERVAL_MS] [SECONDS]`. Goal: 10,000
 * connect checks at distinct addresses every 2 s within half a core, none later than 200 ms. A
 * child process serves on all of 127.0.0.0/8; on loopback the sender pays for the kernel's work
 * of both sides.
 */

import { createHealthRunner } from "../src/check/index.ts";
import { systemClock } from "../src/clock/index.ts";
import type { CheckSpec } from "../src/model/index.ts";

const [kind = "connect", countText = "10000", intervalText = "2000", secondsText = "10"] =
  process.argv.slice(2);

/** Serves a small page until it is killed; prints its port. */
function serve(): void {
  const page = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nTest Page";
  const listener = Bun.listen({
    hostname: "0.0.0.0",
    port: 0,
    socket: {
      data(socket) {
        socket.end(page);
      },
    },
  });
  process.stdout.write(`${listener.port}\n`);
}

function specOf(intervalMs: number): CheckSpec {
  const http = {
    tls: false,
    request: "/",
    method: "GET",
    virtualHost: undefined,
    receive: "Test Page",
    statuses: [[200, 299]],
    redirectsMax: 0,
    verify: true,
    caFile: undefined,
    serverName: undefined,
  } as const;
  const isHttp = kind === "http";
  return {
    type: isHttp ? "negotiate" : "connect",
    connectsPerNegotiate: 0,
    service: isHttp ? "http" : undefined,
    http: isHttp ? http : undefined,
    command: undefined,
    port: undefined,
    intervalMs,
    timeoutMs: intervalMs / 2,
    rise: 1,
    fall: 2,
    fastIntervalMs: 200,
  };
}

function targetOf(index: number, port: number) {
  const address = `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
  const virtual = { virtualAddress: "192.0.2.100", virtualPort: 80 };
  return { address, port, host: address, protocol: "tcp", sendProxy: "off", ...virtual } as const;
}

async function measure(): Promise<void> {
  const count = Number(countText);
  const seconds = Number(secondsText);
  const server = Bun.spawn([process.execPath, import.meta.path, "serve"], { stdout: "pipe" });
  const { value } = await server.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  const spec = specOf(Number(intervalText));
  let changes = 0;
  const runner = createHealthRunner({
    clock: systemClock,
    onChange: () => void changes++,
    concurrencyMax: 8192,
    scriptUser: "nobody",
  });
  const applyStartMs = performance.now();
  runner.apply(
    Array.from({ length: count }, (_, i) => ({ id: `s${i}`, spec, target: targetOf(i, port) })),
  );
  const applyMs = performance.now() - applyStartMs;
  while (!runner.firstPassDone()) await Bun.sleep(50);
  const firstPassMs = performance.now() - applyStartMs;
  const before = { cpu: process.cpuUsage(), metrics: runner.metrics(), atMs: performance.now() };
  await Bun.sleep(seconds * 1000);
  const cpu = process.cpuUsage(before.cpu);
  const after = runner.metrics();
  const elapsedMs = performance.now() - before.atMs;
  const checks = after.count - before.metrics.count;
  const cpuUs = cpu.user + cpu.system;
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const [seconds1, perCheckUs] = [(elapsedMs / 1000).toFixed(1), (cpuUs / checks).toFixed(1)];
  print(`${kind}: ${count} checks every ${intervalText} ms, apply ${applyMs.toFixed(0)} ms`);
  print(`first pass ${firstPassMs.toFixed(0)} ms, then ${checks} checks in ${seconds1} s`);
  print(`cpu ${(cpuUs / 1000 / elapsedMs).toFixed(3)} cores, ${perCheckUs} us a check`);
  print(`of it user ${(cpu.user / checks).toFixed(1)} us`);
  print(`rss ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
  after.bucketSeconds.forEach((bound, index) => {
    const late = after.latenessCounts[index]! - before.metrics.latenessCounts[index]!;
    const took = after.bucketCounts[index]! - before.metrics.bucketCounts[index]!;
    const share = (part: number): string => `${((part / checks) * 100).toFixed(2)} %`;
    process.stdout.write(`  <= ${bound} s: late ${share(late)}, took ${share(took)}\n`);
  });
  process.stdout.write(`changes ${changes}, failures ${JSON.stringify(after.failures)}\n`);
  await runner.close();
  server.kill();
  await server.exited;
}

if (kind === "serve") serve();
else await measure();
