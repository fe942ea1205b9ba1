// What the views show, kept up to date: asked for when there is news and somebody looks, never
// twice at once; an answer that is no longer wanted is dropped. Knows nothing of the editor.

import type { Board, Progress } from "../protocol";

/** Asks the server for a board; `cancelled` is called when the answer is no longer wanted. */
export type Ask = (root: string, campaign: string, until: AbortSignal) => Promise<Board>;

/** Between an answer and the next question, in milliseconds. */
export const REST = 700;

export class Boards {
  /** The newest board of the root; none before the first answer. */
  board: Board | undefined;
  /** Why the last question was not answered, in one line. */
  trouble: string | undefined;
  /** The campaign that is looked at; '' for the newest. */
  campaign = "";

  private root: string | undefined;
  private sign = "";
  private dirty = false;
  private watched = false;
  private asking: AbortController | undefined;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private disposed = false;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly ask: Ask,
    private readonly rest = REST,
  ) {}

  /** Have something called whenever `board` or `trouble` has changed. */
  onChange(listener: () => void): { dispose(): void } {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  get activeRoot(): string | undefined {
    return this.root;
  }

  /** Show another workspace, or another campaign of it; '' is the newest. */
  look(root: string | undefined, campaign = ""): void {
    if (root === this.root && campaign === this.campaign) {
      return;
    }
    const other = root !== this.root;
    this.root = root;
    this.campaign = campaign;
    this.sign = "";
    this.drop();
    if (other) {
      this.board = undefined;
      this.trouble = undefined;
    }
    this.changed();
    this.refresh();
  }

  /** The server said how far a campaign is. */
  news(progress: Progress): void {
    if (progress.root !== this.root || this.campaign) {
      return;
    }
    const sign = signOf(progress);
    if (this.board !== undefined) {
      this.board = { ...this.board, progress };
      this.changed();
    }
    if (sign !== this.sign) {
      this.sign = sign;
      this.refresh();
    }
  }

  /** Whether anybody looks; news waits until then. */
  watch(watched: boolean): void {
    this.watched = watched;
    this.begin();
  }

  /** What is known is out of date. */
  refresh(): void {
    this.dirty = true;
    this.begin();
  }

  dispose(): void {
    this.disposed = true;
    this.drop();
    this.listeners.clear();
  }

  private drop(): void {
    this.asking?.abort();
    this.asking = undefined;
    clearTimeout(this.resting);
    this.resting = undefined;
  }

  private begin(): void {
    const { root, campaign } = this;
    const idle = this.asking === undefined && this.resting === undefined;
    if (this.disposed || !this.dirty || !this.watched || !idle || root === undefined) {
      return;
    }
    this.dirty = false;
    const asking = new AbortController();
    this.asking = asking;
    this.ask(root, campaign, asking.signal)
      .then(
        (board) => this.answered(asking, board, undefined),
        (error: unknown) => this.answered(asking, undefined, oneLine(error)),
      )
      .catch(() => undefined);
  }

  private answered(asking: AbortController, board: Board | undefined, trouble?: string): void {
    if (this.asking !== asking) {
      return;
    }
    this.asking = undefined;
    this.board = board ?? this.board;
    this.trouble = trouble;
    this.resting = setTimeout(() => {
      this.resting = undefined;
      this.begin();
    }, this.rest);
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}

/** What has to change for a board to be asked for again; time and money alone do not. */
function signOf(progress: Progress): string {
  const { revision, state, campaign, doing, has_objective } = progress;
  return JSON.stringify([revision, state, campaign, doing, has_objective]);
}

/** An error in one line. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line || "it failed without a word";
}
