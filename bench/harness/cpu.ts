/**
 * CPU time of processes and of the kernel's own threads, from /proc (proc(5)).
 *
 * Requests per second on a machine whose load generator shares the cores measure mostly the
 * generator. The CPU time of the proxy for each request is the figure that stays the same.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks of /proc/stat; USER_HZ is 100 on every Linux that Bun runs on. */
const tickMs = 10;

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Processes and threads come and go.
    return fallback;
  }
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Time on a CPU of all threads of a process since each began, in ms. */
export function processCpuMs(pid: number): number {
  let sumNs = 0;
  for (const task of listOr(`/proc/${pid}/task`)) {
    sumNs += Number(readOr(`/proc/${pid}/task/${task}/schedstat`, "0").split(" ")[0]);
  }
  return sumNs / 1e6;
}

/** Processes of the kernel that may work for a proxy: kworker (sockmap) and ksoftirqd. */
function kernelThreads(): number[] {
  return listOr("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => /^(?:kworker|ksoftirqd)/.test(readOr(`/proc/${pid}/comm`, "")));
}

/** Ticks spent in softirq by each CPU, in ms. */
function softirqMs(cpu: number): number {
  const line = readOr("/proc/stat", "").match(new RegExp(`^cpu${cpu} (.*)$`, "m"))?.[1] ?? "";
  return Number(line.split(" ")[6] ?? 0) * tickMs;
}

/** What ran between two moments. */
export interface CpuUse {
  /** Time of the process, all threads, in ms. */
  readonly processMs: number;
  /** Time of kernel threads of the whole machine (kworker, ksoftirqd), in ms. */
  readonly kernelThreadMs: number;
  /** Softirq time on the proxy's CPU, in ms; part of it is in the other two already. */
  readonly softirqMs: number;
}

/** Starts measuring; the returned function tells what was used since. */
export function startCpuMeter(pid: number | undefined, cpu: number): () => CpuUse {
  const threads = kernelThreads();
  const before = new Map(threads.map((thread) => [thread, processCpuMs(thread)]));
  const processBefore = pid === undefined ? 0 : processCpuMs(pid);
  const softirqBefore = softirqMs(cpu);
  return () => {
    const processMs = pid === undefined ? 0 : processCpuMs(pid) - processBefore;
    let kernelThreadMs = 0;
    for (const thread of kernelThreads()) {
      kernelThreadMs += Math.max(0, processCpuMs(thread) - (before.get(thread) ?? 0));
    }
    return { processMs, kernelThreadMs, softirqMs: softirqMs(cpu) - softirqBefore };
  };
}

/** Memory of a process that is in RAM, in KiB. */
export function residentKib(pid: number): number {
  return Number(readOr(`/proc/${pid}/status`, "").match(/^VmRSS:\s+(\d+)/m)?.[1] ?? 0);
}

/** Open descriptors of a process. */
export function descriptorCount(pid: number): number {
  return listOr(`/proc/${pid}/fd`).length;
}

/** CPUs this process may run on, for pinning. */
export function allowedCpus(): number[] {
  const list = readOr("/proc/self/status", "").match(/^Cpus_allowed_list:\s+(\S+)/m)?.[1] ?? "0";
  return list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
