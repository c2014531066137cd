/**
 * Asks ping witnesses when a virtual router must prove that it is not the one that is cut off.
 *
 * Every witness is asked at once, and again until one answers or another question takes the place.
 * The first good answer is the proof.
 *
 * @module
 */

import type { AskedTarget } from "../check/index.ts";
import type { Clock, Timer } from "../clock/index.ts";

/** What {@link WitnessQuestions} needs. */
export interface WitnessQuestionsOptions {
  readonly clock: Clock;
  /** @returns True for a good answer. */
  readonly askNow: (target: AskedTarget) => Promise<boolean>;
  /** A witness of a virtual router answered in this round. */
  readonly onProof: (router: string, round: number) => void;
}

/** One question. */
interface Question {
  readonly router: string;
  readonly round: number;
  readonly targets: readonly AskedTarget[];
  timer: Timer | undefined;
  /** Ends of turns that are still waited for. */
  isOver: boolean;
}

/** Turns do not follow each other faster than this, however short the intervals of pings are. */
const turnMsMin = 100;

/** Questions of all virtual routers, one each. */
export class WitnessQuestions {
  readonly #options: WitnessQuestionsOptions;
  readonly #questions = new Map<string, Question>();

  constructor(options: WitnessQuestionsOptions) {
    this.#options = options;
  }

  /** Asks for a virtual router; an older question of it is given up. */
  ask(router: string, round: number, targets: readonly AskedTarget[]): void {
    this.#drop(router);
    if (targets.length === 0) return;
    const question: Question = { router, round, targets, timer: undefined, isOver: false };
    this.#questions.set(router, question);
    this.#turn(question);
  }

  close(): void {
    for (const router of this.#questions.keys()) this.#drop(router);
  }

  #turn(question: Question): void {
    const intervalMs = Math.min(...question.targets.map((target) => target.intervalMs));
    for (const target of question.targets) {
      void this.#options.askNow(target).then((isGood) => {
        if (isGood) this.#prove(question);
      });
    }
    const delayMs = Math.max(turnMsMin, intervalMs);
    question.timer = this.#options.clock.after(delayMs, () => this.#turn(question));
  }

  #prove(question: Question): void {
    if (question.isOver) return;
    this.#drop(question.router);
    this.#options.onProof(question.router, question.round);
  }

  #drop(router: string): void {
    const question = this.#questions.get(router);
    if (question === undefined) return;
    question.isOver = true;
    question.timer?.cancel();
    this.#questions.delete(router);
  }
}
