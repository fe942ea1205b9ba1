// When a server that ended unasked is started again, and when that is given up.

/** Pauses before the first, second, … new start, in milliseconds. */
export const PAUSES: readonly number[] = [500, 2_000, 5_000, 10_000];
/** So many milliseconds without an end, and the earlier ones are forgotten. */
export const WINDOW = 180_000;

export type Next = { readonly wait: number; readonly first: boolean } | "give up";

/** Counts unasked ends; times are milliseconds of any one clock. */
export class Restarts {
  private ends: number[] = [];

  /** The server ended at `now`: how long to wait, or that it ended too often. */
  ended(now: number): Next {
    this.ends = this.ends.filter((at) => now - at < WINDOW);
    this.ends.push(now);
    const wait = PAUSES[this.ends.length - 1];
    return wait === undefined ? "give up" : { wait, first: this.ends.length === 1 };
  }

  /** The user wants it again: nothing counts against it. */
  forget(): void {
    this.ends = [];
  }
}
