/**
 * Health checks: can this real server serve?
 *
 * A {@link Check} asks once (connect, http, ping, external), the monitor makes health out of
 * results (src/check/monitor.ts, pure), the {@link HealthRunner} repeats it all for every server.
 * docs/checks.md has a row for each check.
 *
 * @module
 */

export type { Check, CheckResult, CheckTarget, FailureReason, VipTarget } from "./check.ts";
export { failureReasons } from "./check.ts";
export { createCheckFactory } from "./create-check.ts";
export type { CheckFactory } from "./create-check.ts";
export type { HealthState, HealthTarget, KnownHealth } from "./group.ts";
export { createTrackAsker } from "./track-asker.ts";
export type { AskContext, AskedTarget, TrackAsker } from "./track-asker.ts";
export type { CheckMetrics } from "./metrics.ts";
export type { Health } from "./monitor.ts";
export type { HealthListener, HealthRunner, HealthRunnerOptions } from "./runner.ts";
export { createHealthRunner } from "./runner.ts";
export type { ClientPath, ClientPaths, ClientWay } from "./vip.ts";
