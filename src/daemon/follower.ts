/**
 * Those who follow what the director finds out, and change nothing about it: fallback commands,
 * mails and monitor files.
 *
 * @module
 */

import type { CheckResult } from "../check/index.ts";
import type { Clock } from "../clock/index.ts";
import type { Logger } from "../log/index.ts";
import type { Config } from "../model/index.ts";
import type { ServiceAssessment } from "./assessment.ts";
import { createFallbackCommands } from "./fallback-command.ts";
import type { HookRunner } from "./hooks.ts";
import { createMailQueue } from "./mail-queue.ts";
import type { SendMail } from "./mail-queue.ts";
import { createMailer } from "./mailer.ts";
import type { MailerOptions } from "./mailer.ts";
import type { Maintenance } from "./maintenance.ts";
import { createMonitorFiles } from "./monitor-file.ts";
import type { AppendText } from "./monitor-file.ts";
import type { HostState } from "./resolver.ts";
import { serverId } from "./server-id.ts";

/** How long a stop waits for files; a file server that hangs must not hold it. */
const fileCloseMs = 2000;

/** Message of a monitor file about a server in maintenance, in ldirectord's words. */
const maintenanceMessage = "Server in maintenance";

/** See the module's head. */
export interface Followers {
  /** Takes a new configuration. */
  apply(config: Config): void;
  /** Looks at a new judgement of all services. */
  follow(assessments: Iterable<ServiceAssessment>): void;
  /** Takes the result of a check. */
  note(id: string, result: CheckResult): void;
  /**
   * Hands over the commands that tell that it is over, and waits until mails and lines that wait
   * have gone out. Nothing follows it.
   *
   * @param hurry Ends the wait.
   */
  stop(assessments: Iterable<ServiceAssessment>, hurry: AbortSignal): Promise<void>;
}

/** What they work with. */
export interface FollowerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hooks: Pick<HookRunner, "enqueue">;
  readonly send: SendMail;
  readonly append: AppendText;
  readonly maintenance: Pick<Maintenance, "fileOf">;
  readonly config: () => Config;
  readonly occasion: MailerOptions["occasion"];
  readonly hostState: (host: string) => HostState;
  /** Name of this host. */
  readonly host: string;
}

/** Creates followers of a director that has found out nothing yet. */
export function createFollowers(options: FollowerOptions): Followers {
  const { clock, logger, hooks, maintenance, config, hostState, host } = options;
  const commands = createFallbackCommands({
    enqueue: (hook) => hooks.enqueue(hook),
    user: () => config().director.scriptUser,
  });
  const isMaintained: MailerOptions["isMaintained"] = ({ server, address }) =>
    maintenance.fileOf({ ...server, address }) !== undefined;
  const mailer = createMailer({
    clock,
    queue: createMailQueue({ clock, logger, send: options.send }),
    config,
    occasion: options.occasion,
    isMaintained,
    host,
  });
  const files = createMonitorFiles({
    clock,
    logger,
    append: options.append,
    addressOf: (name) => hostState(name).address,
    pid: process.pid,
  });
  let maintained: ReadonlySet<string> = new Set();

  /** Servers in maintenance are not asked, so no result of a check tells of them. */
  const noteMaintained = (assessments: readonly ServiceAssessment[]): void => {
    const now = new Set<string>();
    for (const { service, servers } of assessments) {
      if (service.monitorFile === undefined) continue;
      for (const server of servers) {
        const id = serverId({ service: service.name, server: server.key });
        if (!isMaintained(server)) continue;
        now.add(id);
        if (!maintained.has(id)) files.noteDown(id, maintenanceMessage);
      }
    }
    maintained = now;
  };

  return {
    apply: ({ virtualServices }) => files.apply(virtualServices),
    follow(assessments) {
      const all = [...assessments];
      commands.follow(all);
      mailer.follow(all);
      noteMaintained(all);
    },
    note: (id, result) => files.note(id, result),
    async stop(assessments, hurry) {
      commands.stop();
      const { promise: isLate, resolve } = Promise.withResolvers<void>();
      const timer = clock.after(fileCloseMs, resolve);
      await Promise.all([mailer.stop(assessments, hurry), Promise.race([files.close(), isLate])]);
      timer.cancel();
    },
  };
}
