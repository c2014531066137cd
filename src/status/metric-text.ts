/**
 * Prometheus text exposition format 0.0.4.
 *
 * Pure. Names and help texts come from this program; label values come from the configuration
 * and are escaped.
 *
 * @module
 */

/** Content type of the format. */
export const metricContentType = "text/plain; version=0.0.4; charset=utf-8";

/** Kinds of metrics in use. */
export type MetricType = "counter" | "gauge" | "histogram";
/** Values by label name. */
export type Labels = Readonly<Record<string, string>>;

/** A metric with all its samples, which the format wants together. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  /** One sentence without a full stop. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One value. */
export interface Sample {
  /** Added to the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
  /** Or their text, made by {@link formatLabels} once for many samples. */
  readonly labels?: Labels | string;
  readonly value: number;
}

/** A histogram without its labels: cumulative counts below each bound, in seconds. */
export interface HistogramInput {
  readonly boundsSeconds: readonly number[];
  readonly counts: readonly number[];
  readonly sumSeconds: number;
  readonly count: number;
}

/** Text of a label value: backslash, quote and line feed are escaped. */
export function escapeLabelValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Text of a value, as Go's ParseFloat reads it. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

/** `{name="value",…}`; empty without labels. */
export function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escapeLabelValue(value)}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Samples of a histogram. */
export function histogramSamples(input: HistogramInput): readonly Sample[] {
  const { boundsSeconds, counts, sumSeconds, count } = input;
  const buckets = boundsSeconds.map((bound, index) => ({
    suffix: "_bucket",
    labels: { le: formatNumber(bound) },
    value: counts[index] ?? 0,
  }));
  return [
    ...buckets,
    { suffix: "_bucket", labels: { le: "+Inf" }, value: count },
    { suffix: "_sum", value: sumSeconds },
    { suffix: "_count", value: count },
  ];
}

/** The whole text. Families without samples are left out. */
export function formatMetrics(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const { suffix = "", labels = "", value } of samples) {
      const text = typeof labels === "string" ? labels : formatLabels(labels);
      lines.push(`${name}${suffix}${text} ${formatNumber(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
