// Commands of other programs that end by themselves: their words, a limit, and their end when
// nobody waits any more.

import { spawn, type ChildProcess } from "node:child_process";

export interface Ended {
  /** The exit code; null when a signal or the limit ended it, or it did not begin. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Why it did not begin, was cut off or was cancelled; "" when it ended by itself. */
  readonly why: string;
}

export interface Limits {
  /** A folder where nothing lies that the program could take for its own. */
  readonly cwd: string;
  readonly milliseconds: number;
  readonly signal?: AbortSignal;
  /** Each line that it writes, as it comes. */
  readonly onLine?: (line: string) => void;
}

const MOST = 1_000_000;

/** Run a program to its end; never rejects. Whatever it has started ends with it. */
export function run(program: string, words: readonly string[], limits: Limits): Promise<Ended> {
  return new Promise((resolve) => {
    const grouped = process.platform !== "win32";
    const child = spawn(program, words, {
      cwd: limits.cwd,
      detached: grouped,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    let why = "";
    const stop = (reason: string): void => {
      why = why || reason;
      kill(child, grouped);
    };
    const aborted = (): void => stop("it was cancelled");
    const timer = setTimeout(
      () => stop(`it did not end within ${limits.milliseconds / 1000} s`),
      limits.milliseconds,
    );
    const out = collect(child.stdout, limits.onLine);
    const err = collect(child.stderr, limits.onLine);
    let over = false;
    const end = (code: number | null): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      limits.signal?.removeEventListener("abort", aborted);
      resolve({ code, out: out(), err: err(), why });
    };
    child.on("error", (error: NodeJS.ErrnoException) => {
      why = why || (error.code === "ENOENT" ? "there is no such program" : error.message);
      end(null);
    });
    child.on("close", (code) => end(why ? null : code));
    // pipes that a grandchild holds must not keep us waiting for what was killed
    child.on("exit", () => {
      if (why) end(null);
    });
    if (limits.signal?.aborted) aborted();
    limits.signal?.addEventListener("abort", aborted, { once: true });
  });
}

function kill(child: ChildProcess, grouped: boolean): void {
  if (child.pid === undefined) return;
  try {
    if (grouped) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}

function collect(
  stream: NodeJS.ReadableStream,
  onLine: ((line: string) => void) | undefined,
): () => string {
  let all = "";
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    if (all.length < MOST) all += text;
    if (onLine === undefined) return;
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim()) onLine(line.trimEnd());
  });
  return () => all;
}
