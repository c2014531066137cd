import { describe, expect, test } from "bun:test";

import {
  escapeLabelValue,
  formatLabel,
  formatLabels,
  formatMetrics,
  formatNumber,
  histogramSamples,
} from "../../../src/status/metric-text.ts";

test("escapeLabelValue escapes backslash, quote and line feed only", () => {
  expect(escapeLabelValue('a\\b"c\nd\te')).toBe('a\\\\b\\"c\\nd\te');
});

test("formatLabels puts one label or two in braces, escaped", () => {
  const service = formatLabel("service", 'a"b');
  expect(formatLabels(service)).toBe('{service="a\\"b"}');
  const cause = formatLabel("cause", "denied");
  expect(formatLabels(service, cause)).toBe('{service="a\\"b",cause="denied"}');
});

test.each([
  [0, "0"],
  [1.5, "1.5"],
  [1e21, "1e+21"],
  [Number.POSITIVE_INFINITY, "+Inf"],
  [Number.NEGATIVE_INFINITY, "-Inf"],
  [Number.NaN, "NaN"],
])("formatNumber(%d)", (value, expected) => expect(formatNumber(value)).toBe(expected));

describe("formatMetrics", () => {
  test("writes HELP, TYPE and the samples of each family", () => {
    const text = formatMetrics([
      {
        name: "appliance_a_total",
        type: "counter",
        help: "Things\nthat \\ happened",
        samples(emit) {
          emit(formatLabels(formatLabel("name", 'x"y')), 3);
          emit("", 4);
        },
      },
      { name: "appliance_b", type: "gauge", help: "Nothing", samples: () => undefined },
    ]);
    expect(text).toBe(
      [
        "# HELP appliance_a_total Things\\nthat \\\\ happened",
        "# TYPE appliance_a_total counter",
        'appliance_a_total{name="x\\"y"} 3',
        "appliance_a_total 4",
        "",
      ].join("\n"),
    );
  });

  test("closes a histogram with +Inf, sum and count", () => {
    const samples = histogramSamples({
      boundsSeconds: [0.01, 1],
      counts: [2, 5],
      sumSeconds: 0.75,
      count: 6,
    });
    const text = formatMetrics([{ name: "h", type: "histogram", help: "H", samples }]);
    expect(text.split("\n").slice(2)).toEqual([
      'h_bucket{le="0.01"} 2',
      'h_bucket{le="1"} 5',
      'h_bucket{le="+Inf"} 6',
      "h_sum 0.75",
      "h_count 6",
      "",
    ]);
  });
});
