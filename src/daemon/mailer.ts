/**
 * Mails about real servers that go down and come back.
 *
 * Follows the judgements of the service table, gathers what happens within a moment into one mail
 * for each circle of readers, and leaves the sending to the queue.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import type { Config, MailConfig, MailOccasion, VirtualService } from "../model/index.ts";
import { nextReminderMs, stepAlerts } from "./alert.ts";
import type { Alert, AlertMoment, AlertRecords, AlertSubject } from "./alert.ts";
import type { ServiceAssessment } from "./assessment.ts";
import type { Mail, MailQueue } from "./mail-queue.ts";
import { mailSubject, mailText } from "./mail-text.ts";

/** What happens within this time is told in one mail. */
export const mailGatherMs = 1000;

/** Alerts of one mail; a mail shows fewer, and counts the rest. */
const alertsMax = 10_000;

/** See the module's head. */
export interface Mailer {
  /** Looks at a new judgement of all services. */
  follow(assessments: Iterable<ServiceAssessment>): void;
  /** Tells that the director stops, and ends the queue. */
  stop(assessments: Iterable<ServiceAssessment>, hurry: AbortSignal): Promise<void>;
}

/** What it works with. */
export interface MailerOptions {
  readonly clock: Clock;
  readonly queue: MailQueue;
  readonly config: () => Pick<Config, "mail">;
  readonly occasion: () => AlertMoment["occasion"];
  /** True for a server that a maintenance file takes out of service. */
  readonly isMaintained: (server: ServiceAssessment["servers"][number]) => boolean;
  /** Name of this host, in mails and in their sender. */
  readonly host: string;
}

/** Settings of the mails of a service. */
type Settings = Omit<MailConfig, "from">;

/** Readers who get the same mail. */
interface Circle {
  readonly head: Pick<Mail, "smtp" | "from" | "to">;
  readonly alerts: Alert[];
  readonly services: Set<string>;
}

/** What holds for a service: its own word, else that of `[mail]`. Pure. */
export function mailSettings(mail: MailConfig, { mail: own }: VirtualService): Settings {
  return {
    to: own?.to ?? mail.to,
    smtp: own?.smtp ?? mail.smtp,
    repeatMs: own?.repeatMs ?? mail.repeatMs,
    when: own?.when ?? mail.when,
  };
}

/** Creates a mailer that has told nothing yet. */
export function createMailer(options: MailerOptions): Mailer {
  return new AlertMailer(options);
}

class AlertMailer implements Mailer {
  readonly #options: MailerOptions;
  #records: AlertRecords = new Map();
  /** The last judgement, by the name of the service. */
  #latest: ReadonlyMap<string, ServiceAssessment> = new Map();
  /** What waits for its mail. */
  readonly #circles = new Map<string, Circle>();
  #flushTimer: Timer | undefined;
  #remindTimer: Timer | undefined;

  constructor(options: MailerOptions) {
    this.#options = options;
  }

  follow(assessments: Iterable<ServiceAssessment>): void {
    this.#note(assessments);
    this.#step();
  }

  async stop(assessments: Iterable<ServiceAssessment>, hurry: AbortSignal): Promise<void> {
    this.#remindTimer?.cancel();
    // What was gathered goes first, as a mail of its own.
    this.#flush(false);
    this.#note(assessments);
    for (const { service } of this.#latest.values()) this.#circleOf(service, "stopping");
    this.#flush(true);
    await this.#options.queue.close(hurry);
  }

  #note(assessments: Iterable<ServiceAssessment>): void {
    this.#latest = new Map([...assessments].map((one) => [one.service.name, one]));
  }

  /** The circle of a service; undefined if nobody wants a mail on this occasion. */
  #circleOf(service: VirtualService, when: MailOccasion): Circle | undefined {
    const { config, host } = this.#options;
    const { mail } = config();
    const { smtp, to, when: wanted } = mailSettings(mail, service);
    if (to.length === 0 || !wanted.includes(when)) return undefined;
    const head = { smtp, from: mail.from ?? `appliance@${host}`, to };
    const key = JSON.stringify(head);
    let circle = this.#circles.get(key);
    if (circle === undefined) {
      circle = { head, alerts: [], services: new Set() };
      this.#circles.set(key, circle);
    }
    circle.services.add(service.name);
    return circle;
  }

  #flush(isStop: boolean): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    const { queue, host } = this.#options;
    for (const { head, alerts, services: names } of this.#circles.values()) {
      const services = [...names]
        .map((name) => this.#latest.get(name))
        .filter((service) => service !== undefined);
      const content = { alerts, services, isStop, host };
      queue.enqueue({ ...head, subject: mailSubject(content), text: mailText(content) });
    }
    this.#circles.clear();
  }

  #gather(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const service = this.#latest.get(alert.service)?.service;
      const circle = service && this.#circleOf(service, alert.occasion);
      if (circle !== undefined && circle.alerts.length < alertsMax) circle.alerts.push(alert);
    }
    if (this.#circles.size === 0) return;
    this.#flushTimer ??= this.#options.clock.after(mailGatherMs, () => this.#flush(false));
  }

  /** Servers of the services that somebody reads of. */
  #subjects(): readonly AlertSubject[] {
    const { config, isMaintained } = this.#options;
    const { mail } = config();
    return [...this.#latest.values()].flatMap(({ service, servers }) => {
      const { to, repeatMs } = mailSettings(mail, service);
      if (to.length === 0) return [];
      return servers.map((server) => ({
        service: service.name,
        server: server.key,
        health: server.health,
        reason: server.healthReason,
        isMaintained: isMaintained(server),
        repeatMs,
      }));
    });
  }

  #step(): void {
    this.#remindTimer?.cancel();
    this.#remindTimer = undefined;
    const { clock, occasion } = this.#options;
    const nowMs = clock.nowMs();
    const moment = { nowMs, wallMs: clock.wallMs(), occasion: occasion() };
    const { records, alerts } = stepAlerts(this.#records, this.#subjects(), moment);
    this.#records = records;
    this.#gather(alerts);
    const remindAtMs = nextReminderMs(records);
    if (remindAtMs === undefined) return;
    this.#remindTimer = clock.after(remindAtMs - nowMs, () => this.#step());
  }
}
