/**
 * Follows the files of a running director's configuration: tells that one has changed, and
 * reloads if the configuration asks for that.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import type { Logger } from "../log/index.ts";
import type { Director } from "./director.ts";
import { watchFiles } from "./file-watch.ts";
import type { FileWatch } from "./file-watch.ts";
import { configChangeHook } from "./hook-of.ts";
import type { HookRunner } from "./hooks.ts";

/** The watch, before and after the director has started. */
export interface ConfigWatch extends FileWatch {
  /** From now on changes lead to something. */
  follow(director: Pick<Director, "loaded" | "reload">, parts: FollowParts): void;
}

/** What is needed to do something about a change. */
export interface FollowParts {
  readonly logger: Logger;
  readonly hooks: Pick<HookRunner, "enqueue">;
  /** Told of each change before anything is done about it. */
  readonly onChange?: ((file: string, isReread: boolean) => void) | undefined;
}

/** True if it matters to anybody that a file has changed. */
function isWatched({ config, ldirectord }: LoadedConfig): boolean {
  const { autoreload, onConfigChange } = config.director;
  return autoreload || onConfigChange !== undefined || ldirectord !== undefined;
}

/**
 * Starts before the files are read for the first time, so that no change is missed.
 *
 * @param files As named by the operator; later also those that they include.
 */
export async function watchConfig(clock: Clock, files: readonly string[]): Promise<ConfigWatch> {
  const { promise: started, resolve: start } =
    Promise.withResolvers<readonly [Pick<Director, "loaded" | "reload">, FollowParts]>();
  let loaded: (() => LoadedConfig) | undefined;

  const watch = await watchFiles({
    clock,
    files() {
      if (loaded === undefined) return files;
      const now = loaded();
      return isWatched(now) ? now.files : [];
    },
    async onChange(file) {
      const [director, { logger, hooks, onChange }] = await started;
      const { autoreload } = director.loaded().config.director;
      logger.log("info", "file-changed", { file, reload: autoreload });
      onChange?.(file, autoreload);
      if (autoreload) await director.reload("autoreload");
      const hook = configChangeHook(director.loaded().config.director, file);
      if (hook !== undefined) hooks.enqueue(hook);
    },
  });
  return {
    ...watch,
    follow(director, parts) {
      loaded = () => director.loaded();
      start([director, parts]);
    },
  };
}
