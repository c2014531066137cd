/**
 * The fence and the addresses of a simulated node: what is left of it when its process is gone.
 *
 * @module
 */

/**
 * It is open while the owner opened it in the count that the guard shows: so a thread that was
 * stopped cannot undo what the guard did meanwhile. Times are ms of the node's own clock.
 */
export class SimulatedKernel {
  /** Written by the owner: the count it opened the fence in, -1 to close it. */
  opened = -1;
  /** Written by the guard, one more for each time it closes. */
  closings = 0;
  endMs = 0;
  /** Until then what comes for the addresses is served, but no question is answered. */
  drainEndMs = 0;
  hasAddresses = false;

  get isOpen(): boolean {
    return this.opened === this.closings;
  }

  /** A process starts: closed, and what was left behind is removed. */
  restart(): void {
    this.opened = -1;
    this.drainEndMs = 0;
    this.hasAddresses = false;
  }

  /** @param closings What the owner saw before it decided. */
  begin(closings: number, endMs: number): void {
    this.opened = closings;
    this.drainEndMs = 0;
    this.endMs = endMs;
  }

  drain(untilMs: number, nowMs: number): void {
    this.drainEndMs = this.isAnswering(nowMs) ? untilMs : 0;
    this.endMs = 0;
  }

  close(byGuard: boolean): void {
    if (byGuard) this.closings++;
    else this.opened = -1;
  }

  isAnswering(nowMs: number): boolean {
    return this.isOpen && nowMs < this.endMs;
  }

  isServing(nowMs: number): boolean {
    return this.isOpen && nowMs < Math.max(this.endMs, this.drainEndMs);
  }

  /** Not above 0: it does not drain. */
  drainLeftMs(nowMs: number): number {
    return this.isOpen ? this.drainEndMs - nowMs : 0;
  }
}
