import { describe, expect, test } from "bun:test";

import type { Request } from "../../../../bench/detection/client.ts";
import { evaluateRequests } from "../../../../bench/detection/outcome.ts";

const at = (startedMs: number, outcome: Request["outcome"] = "ok"): Request => ({
  startedMs,
  outcome,
});

const fault = { beganMs: 1000, doneMs: 1003 };

describe("evaluateRequests()", () => {
  test("counts what was bad, and until when", () => {
    const requests = [at(0), at(995, "closed"), at(1002, "closed"), at(1015, "refused"), at(1025)];
    expect(evaluateRequests(requests, fault)).toEqual({
      bad: 3,
      underWay: 2,
      lastBadMs: 15,
      badBefore: 0,
    });
  });

  test("has no time if nothing was bad after the fault", () => {
    const none = { bad: 0, underWay: 0, lastBadMs: 0, badBefore: 0 };
    const requests = [at(990), at(998, "closed"), at(1010)];
    expect(evaluateRequests(requests, fault)).toEqual({ ...none, bad: 1, underWay: 1 });
    expect(evaluateRequests([], fault)).toEqual(none);
  });

  test("tells of what was bad before the fault", () => {
    const requests = [at(500, "timeout"), at(1010, "status")];
    expect(evaluateRequests(requests, fault)).toEqual({
      bad: 2,
      underWay: 0,
      lastBadMs: 10,
      badBefore: 1,
    });
  });
});
