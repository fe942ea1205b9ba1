// The log of a run as it grows: asked for piece by piece, and only its end is kept when it is
// long. Knows nothing of the editor.

import type { LogPart } from "../protocol";

/** Characters of a log that are kept; what came before is said to be left out. */
export const MOST = 2_000_000;

/** One log that is read from its beginning. */
export class Follow {
  /** What is known of it. */
  text = "";
  ended = false;
  /** Whether its beginning is not kept any more. */
  cut = false;

  private offset = 0;
  private reading: Promise<boolean> | undefined;

  constructor(
    private readonly ask: (offset: number) => Promise<LogPart>,
    private readonly most = MOST,
  ) {}

  /** Read on to its present end; gives whether there was anything new. Never twice at once. */
  more(): Promise<boolean> {
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async read(): Promise<boolean> {
    let news = false;
    while (!this.ended) {
      const part = await this.ask(this.offset);
      const moved = part.next !== this.offset && part.text !== "";
      this.offset = part.next;
      news ||= part.text !== "" || part.ended || part.restart;
      if (part.restart) {
        this.text = "";
        this.cut = false;
      }
      this.ended = part.ended;
      this.add(part.text);
      if (!moved) {
        break;
      }
    }
    return news;
  }

  private add(text: string): void {
    this.text += text;
    if (this.text.length > this.most) {
      const from = this.text.length - Math.floor(this.most / 2);
      const line = this.text.indexOf("\n", from);
      this.text = this.text.slice(line < 0 ? from : line + 1);
      this.cut = true;
    }
  }
}
