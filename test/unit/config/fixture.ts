/**
 * Short ways to a configuration and to its problems, for the tests of src/config.
 *
 * @module
 */
import {
  ConfigError,
  formatProblem,
  formatWarning,
  parseConfig,
} from "../../../src/config/index.ts";
import type { Config, VirtualService } from "../../../src/model/index.ts";

/** A service that needs nothing more; `lines` are added to it. */
export function serviceText(lines = "", name = "web", listen = "192.0.2.100:80"): string {
  return [
    "[[virtual_service]]",
    `name = "${name}"`,
    `listen = "${listen}"`,
    ...(/^real_servers/m.test(lines) ? [] : ['real_servers = [{ address = "192.0.2.11:80" }]']),
    lines,
    "",
  ].join("\n");
}

/** The configuration that a text stands for. */
export function configOf(text: string): Config {
  return parseConfig(text, "a.toml", { cores: 4 }).config;
}

/** The first service that a text stands for. */
export function serviceOf(text: string): VirtualService {
  return configOf(text).virtualServices[0]!;
}

/** The warnings of a text, one line each. */
export function warningsOf(text: string): readonly string[] {
  return parseConfig(text, "a.toml").warnings.map(formatWarning);
}

/** The problems of a text, one line each; empty if it has none. */
export function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "a.toml");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}
