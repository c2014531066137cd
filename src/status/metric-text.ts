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

/**
 * Takes one sample of a family.
 *
 * @param labels Text made by {@link formatLabels}; empty for none.
 * @param suffix `_bucket`, `_sum`, `_count` of a histogram.
 */
export type EmitSample = (labels: string, value: number, suffix?: string) => void;

/** A metric with all its samples, which the format wants together. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  /** One sentence without a full stop. */
  readonly help: string;
  /** Hands out every sample. There may be 100,000 of them: none is kept as an object. */
  readonly samples: (emit: EmitSample) => void;
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
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Text of a value, as Go's ParseFloat reads it. */
export function formatNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

/** `name="value"`, for {@link formatLabels}. */
export function formatLabel(name: string, value: string): string {
  return `${name}="${escapeLabelValue(value)}"`;
}

/** `{name="value"}` or `{name="value",other="value"}`. */
export function formatLabels(...labels: readonly string[]): string {
  return `{${labels.join(",")}}`;
}

/** Samples of a histogram. */
export function histogramSamples(input: HistogramInput): MetricFamily["samples"] {
  const { boundsSeconds, counts, sumSeconds, count } = input;
  return (emit) => {
    for (const [index, bound] of boundsSeconds.entries()) {
      emit(formatLabels(formatLabel("le", formatNumber(bound))), counts[index] ?? 0, "_bucket");
    }
    emit(formatLabels(formatLabel("le", "+Inf")), count, "_bucket");
    emit("", sumSeconds, "_sum");
    emit("", count, "_count");
  };
}

/** The whole text. Families without samples are left out. */
export function formatMetrics(families: readonly MetricFamily[]): string {
  const texts = families.map(({ name, type, help, samples }) => {
    // Grows by adding: with 100,000 samples faster than a list that is joined.
    let lines = "";
    samples((labels, value, suffix = "") => {
      lines += `${name}${suffix}${labels} ${formatNumber(value)}\n`;
    });
    return lines && `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines}`;
  });
  return texts.join("");
}
