/**
 * Reading pieces of an ldirectord.cf, for the tests of each kind of line.
 *
 * @module
 */

import { parseLdirectord, toNative } from "../../../../../src/config/import/index.ts";
import { parseConfig } from "../../../../../src/config/index.ts";
import { formatProblem, formatWarning } from "../../../../../src/config/problem.ts";

/** What the host of these tests knows. */
export const host = {
  services: "wibble 4711/tcp wobble\n",
  hosts: "192.0.2.21 sql1\n192.0.2.23 sql3\n2001:db8::7 six\n",
  hostName: "director.example",
};

/** Reads a text; problems and warnings as they are told. */
export function read(text: string) {
  const { config, problems, warnings } = parseLdirectord(text, "a.cf", host);
  return {
    config,
    problems: problems.map((problem) => formatProblem(problem)),
    warnings: warnings.map((warning) => formatWarning(warning)),
  };
}

/** A virtual service with one more line. */
export function readMember(line: string, head = "virtual=192.0.2.1:80") {
  const { config, problems, warnings } = read(`${head}\n    ${line}\n`);
  return { virtual: config.virtuals[0]!, problems, warnings };
}

/** The native text of a text without problems, and the warnings of writing it. */
export function translate(text: string) {
  const { config, problems } = parseLdirectord(text, "a.cf");
  if (problems.length > 0) throw new Error(formatProblem(problems[0]!));
  const { toml, warnings } = toNative(config);
  return { toml, warnings: warnings.map((warning) => formatWarning(warning)) };
}

/** The native service of a virtual service with one real server of masq, and the warnings. */
export function service(members: string, head = "virtual=192.0.2.1:80", globals = "") {
  const lines = ["real=192.0.2.11:80 masq", ...members.split("\n")].map((line) => `\t${line}`);
  const { toml, warnings } = translate(`${globals}${head}\n${lines.join("\n")}\n`);
  const { virtualServices } = parseConfig(toml, "a.toml").config;
  return { service: virtualServices[0]!, warnings };
}
