import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { renderMetrics } from "../../../src/status/metrics.ts";
import {
  createFakeStatusSource,
  failoverSnapshot,
  peerSnapshot,
  serverSnapshot,
  serviceSnapshot,
} from "../../helpers/fake-status-source.ts";
import { requirePeer } from "../../helpers/require-peer.ts";

const promtool = requirePeer("promtool");

interface Parsed {
  readonly type: string;
  readonly samples: Map<string, number>;
}

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const samplePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/** Labels of a sample as a canonical text; throws on anything the format does not allow. */
function parseLabels(text: string): string {
  const labels = new Map<string, string>();
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < text.length) {
    const match = labelPattern.exec(text);
    if (match === null) throw new Error(`bad labels: ${text}`);
    if (labels.has(match[1]!)) throw new Error(`label twice: ${text}`);
    labels.set(match[1]!, match[2]!);
  }
  return JSON.stringify([...labels].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Name of the family that a sample belongs to. */
function familyOf(sample: string, families: Map<string, Parsed>): string {
  if (families.has(sample)) return sample;
  const base = sample.replace(/_(?:bucket|sum|count)$/, "");
  if (families.get(base)?.type !== "histogram") throw new Error(`no TYPE before ${sample}`);
  return base;
}

/**
 * A strict reader of the text format: HELP then TYPE once a family, its samples together, no
 * series twice, counters named `_total`, base units, line feed at the end.
 */
function parseMetrics(text: string): Map<string, Parsed> {
  if (!text.endsWith("\n")) throw new Error("no line feed at the end");
  const families = new Map<string, Parsed>();
  let helpFor: string | undefined;
  let current: string | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP (\S+) (\S.*)$/.exec(line);
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (help !== null) {
      if (!namePattern.test(help[1]!) || families.has(help[1]!)) throw new Error(`HELP: ${line}`);
      helpFor = help[1];
    } else if (type !== null) {
      if (type[1] !== helpFor) throw new Error(`TYPE without HELP: ${line}`);
      if ((type[2] === "counter") !== helpFor!.endsWith("_total")) throw new Error(line);
      if (/_(?:ms|milliseconds|kb|mb)(?:_|$)/.test(helpFor!)) throw new Error(`unit: ${line}`);
      current = helpFor!;
      families.set(current, { type: type[2]!, samples: new Map() });
    } else {
      const match = samplePattern.exec(line);
      if (match === null) throw new Error(`bad line: ${line}`);
      const family = familyOf(match[1]!, families);
      if (family !== current) throw new Error(`not together: ${line}`);
      const value = Number(match[3] === "+Inf" ? "Infinity" : match[3]);
      if (Number.isNaN(value)) throw new Error(`bad value: ${line}`);
      const series = `${match[1]}${parseLabels(match[2] ?? "")}`;
      if (families.get(family)!.samples.has(series)) throw new Error(`series twice: ${line}`);
      families.get(family)!.samples.set(series, value);
    }
  }
  return families;
}

const droppedPackets = [{ engine: "bpf", reason: "ttl", count: 7 }];

describe("renderMetrics", () => {
  test("is what it was", async () => {
    const golden = Bun.file(join(import.meta.dir, "../../golden/status/metrics.txt"));
    expect(renderMetrics(createFakeStatusSource())).toBe(await golden.text());
  });

  test("has every metric of the contract that this build knows", () => {
    const families = parseMetrics(renderMetrics(createFakeStatusSource({ droppedPackets })));
    for (const name of [
      "build_info",
      "config_last_reload_successful",
      "service_connections_total",
      "service_active_connections",
      "service_received_bytes_total",
      "service_engine",
      "service_fallback_active",
      "real_server_up",
      "real_server_weight",
      "real_server_active_connections",
      "connections_closed_total",
      "check_duration_seconds",
      "check_failures_total",
      "check_lateness_seconds",
      "connection_table_entries",
      "packets_dropped_total",
    ]) {
      expect(families.has(`appliance_${name}`)).toBe(true);
    }
  });

  test("tells what the engines of the kernel dropped", () => {
    const text = renderMetrics(createFakeStatusSource({ droppedPackets }));
    expect(text).toContain('\nappliance_packets_dropped_total{engine="bpf",reason="ttl"} 7\n');
  });

  test("is documented, metric by metric", async () => {
    const page = await Bun.file(join(import.meta.dir, "../../../docs/status.md")).text();
    const documented = [...page.matchAll(/^\| `(appliance_\w+)` +\| (\w+)/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const resources = [{ name: "/bin/db", state: "running", reason: "", failures: 0 }] as const;
    const whole = failoverSnapshot({ resources });
    const fence = { ...whole.fence, gaps: [{ interface: "eth1", reason: "ERANGE" }] };
    const failover = { ...whole, fence, peer: peerSnapshot() };
    const families = parseMetrics(
      renderMetrics(createFakeStatusSource({ failover, droppedPackets })),
    );
    expect(documented).toEqual(Array.from(families, ([name, { type }]) => `${name} ${type}`));
  });

  test("keeps hostile names within their label", () => {
    const name = 'a"} 1\n# TYPE evil counter\nevil{x="\\';
    const source = createFakeStatusSource({ services: [serviceSnapshot({ name })] });
    const families = parseMetrics(renderMetrics(source));
    const series = `appliance_service_up${JSON.stringify([
      ["service", 'a\\"} 1\\n# TYPE evil counter\\nevil{x=\\"\\\\'],
    ])}`;
    expect(families.get("appliance_service_up")!.samples.get(series)).toBe(1);
    expect(families.has("evil")).toBe(false);
  });

  test("tells two names of one address apart", () => {
    const realServers = [
      serverSnapshot({ host: "a.example.net" }),
      serverSnapshot({ host: "b.example.net" }),
    ];
    const source = createFakeStatusSource({ services: [serviceSnapshot({ realServers })] });
    const up = parseMetrics(renderMetrics(source)).get("appliance_real_server_up")!;
    expect([...up.samples.keys()].map((key) => key.match(/real_server","([^"]*)/)![1])).toEqual([
      "192.0.2.11:80",
      "b.example.net:80",
    ]);
  });

  test("has no family without a sample", () => {
    const families = parseMetrics(renderMetrics(createFakeStatusSource({ services: [] })));
    for (const { samples } of families.values()) expect(samples.size).toBeGreaterThan(0);
    expect(families.has("appliance_service_up")).toBe(false);
  });

  test.skipIf(promtool.skip)("pleases promtool", async () => {
    const judge = Bun.spawn(["promtool", "check", "metrics"], {
      stdin: new Blob([renderMetrics(createFakeStatusSource())]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = (await judge.stdout.text()) + (await judge.stderr.text());
    expect([await judge.exited, said]).toEqual([0, ""]);
  });
});
