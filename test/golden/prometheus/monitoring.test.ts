/**
 * The Grafana dashboard and the alert rules: they ask for metrics and labels that the program
 * exports, and for no others.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { closeCauses } from "../../../src/datapath/index.ts";
import { renderMetrics } from "../../../src/status/metrics.ts";
import { advertisementResults } from "../../../src/vrrp/index.ts";
import {
  createFakeStatusSource,
  failoverSnapshot,
  peerSnapshot,
} from "../../helpers/fake-status-source.ts";
import { runProcess } from "../../helpers/process.ts";
import { requirePeer } from "../../helpers/require-peer.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const promtool = requirePeer("promtool");
const packaging = new URL("../../../packaging/", import.meta.url).pathname;
const rulesPath = join(packaging, "prometheus/appliance.rules.yml");
const dashboardPath = join(packaging, "grafana/appliance.json");
const ruleTestsPath = join(import.meta.dir, "appliance.rules.test.yml");

/** Set by Prometheus on whatever it scrapes, or by a function. */
const foreignLabels = new Set(["job", "instance", "le"]);

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(readFileSync(dashboardPath, "utf8")) as {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
};
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);
const rulesText = readFileSync(rulesPath, "utf8").replaceAll(/^\s*#.*$/gm, "");

/** Series and the labels of each, as a director with everything configured exports them. */
function exportedLabels(): ReadonlyMap<string, ReadonlySet<string>> {
  const resources = [{ name: "/bin/db", state: "running", reason: "", failures: 0 }] as const;
  const failover = { ...failoverSnapshot({ resources }), peer: peerSnapshot() };
  const text = renderMetrics(createFakeStatusSource({ failover }));
  const series = new Map<string, Set<string>>();
  for (const [, name, labels = ""] of text.matchAll(/^([a-z]\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = series.get(name!) ?? new Set();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    series.set(name!, known);
  }
  return series;
}

const exported = exportedLabels();
const expressions: readonly (readonly [where: string, text: string])[] = [
  ["rules", rulesText],
  ...targets.map(({ expr }) => ["dashboard", expr] as const),
  ...dashboard.annotations.list.map(({ expr }) => ["dashboard", expr] as const),
];

describe("dashboard and alert rules", () => {
  test.each(expressions)("%s: metrics and labels of %s are exported", (_where, text) => {
    const selectors = [...text.matchAll(/\b(appliance_\w+)(?:\{([^}]*)\})?/g)];
    for (const [, name, matchers = ""] of selectors) {
      const labels = exported.get(name!);
      if (labels === undefined) throw new Error(`${name} is not exported`);
      for (const [, label] of matchers.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)) {
        if (!labels.has(label!) && !foreignLabels.has(label!)) {
          throw new Error(`${name} has no label ${label}`);
        }
      }
    }
    expect(selectors.length + (text.match(/\bup\{/g) ?? []).length).toBeGreaterThan(0);
  });

  test("labels that are grouped by or shown belong to a metric", () => {
    const all = new Set([...foreignLabels, ...[...exported.values()].flatMap((some) => [...some])]);
    const texts = [rulesText, ...targets.flatMap(({ expr, legendFormat }) => [expr, legendFormat])];
    const named = texts.flatMap((text) => [
      ...[...text.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(", ")),
      ...[...text.matchAll(/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g)].map(([, label]) => label!),
    ]);
    expect(named.filter((label) => !all.has(label))).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });

  test("values of cause, result and kind that the rules name exist", () => {
    const known = new Set<string>([...closeCauses, ...advertisementResults, "unproven"]);
    const lists = [...rulesText.matchAll(/\b(?:cause|result)[=!]~"([^"]+)"/g)];
    const values = lists.flatMap(([, list]) => list!.split("|"));
    expect(values.filter((value) => !known.has(value))).toEqual([]);
    expect(values.length).toBeGreaterThan(5);
  });

  test("panels lie inside the grid, without overlap, each with a number of its own", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos: at } of panels) {
      expect(`${title} ends at ${Math.max(at.x + at.w, 24)}`).toBe(`${title} ends at 24`);
      for (let y = at.y; y < at.y + at.h; y += 1) {
        for (let x = at.x; x < at.x + at.w; x += 1) {
          expect(`${title} ${taken.has(`${x},${y}`)}`).toBe(`${title} false`);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

describe.skipIf(promtool.skip)("promtool", () => {
  async function judge(...args: readonly string[]): Promise<void> {
    const { status, stdout, stderr } = await runProcess(["promtool", ...args]);
    expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  }

  test("reads the alert rules", () => judge("check", "rules", rulesPath));

  test("finds that the rules say what they should", () => judge("test", "rules", ruleTestsPath));

  test("reads the expressions of the dashboard", async () => {
    using folder = createTempFolder();
    const rules = [...targets, ...dashboard.annotations.list].map(({ expr }, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll("$__rate_interval", "1m"),
    }));
    const path = join(folder.path, "panels.yml");
    writeFileSync(path, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    await judge("check", "rules", path);
  });
});
