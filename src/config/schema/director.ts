/**
 * Schema of `[director]`, `[proxy]` and `[status]`. Pure.
 *
 * @module
 */

import * as v from "valibot";

import type { Endpoint } from "../../net/address.ts";
import { parseEndpoint } from "../../net/address.ts";
import { engineWord } from "./service.ts";
import { absolutePath, command, duration, flag, table, text, value, word } from "./value.ts";

/** Threads beyond this help nobody: each has its own listeners. */
export const workersMax = 256;

/** The table `[director]`. */
export const directorTable = table({
  engine: v.optional(engineWord),
  stop_timeout: v.optional(duration(0)),
  script_user: v.optional(
    text('a user name such as "appliance"', (input) =>
      /^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(input) ? input : undefined,
    ),
  ),
  log_level: v.optional(word(["error", "warning", "info", "debug"])),
  maintenance_dir: v.optional(absolutePath),
  on_config_change: v.optional(command),
  autoreload: v.optional(flag),
});

const workers = value<"auto" | number>(
  `"auto" or a number of threads 1..${workersMax}`,
  (input) => {
    if (input === "auto") return input;
    const isCount = typeof input === "number" && Number.isInteger(input);
    return isCount && input >= 1 && input <= workersMax ? input : undefined;
  },
);

/** The table `[proxy]`. */
export const proxyTable = table({
  workers: v.optional(workers),
  engine: v.optional(word(["native", "portable"])),
  experimental_sockmap: v.optional(flag),
});

const statusListen = text<"off" | Endpoint>(
  '"off" or an address and port such as "127.0.0.1:9780"',
  (input) => (input === "off" ? input : parseEndpoint(input)),
);

/** The table `[status]`. */
export const statusTable = table({
  listen: v.optional(statusListen),
  read_token_file: v.optional(absolutePath),
  write_token_file: v.optional(absolutePath),
});

/** What `[director]` says, durations in ms; every key may be missing. */
export type DirectorTable = v.InferOutput<typeof directorTable>;
/** What `[proxy]` says. */
export type ProxyTable = v.InferOutput<typeof proxyTable>;
/** What `[status]` says. */
export type StatusTable = v.InferOutput<typeof statusTable>;
