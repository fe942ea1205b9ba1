// The managed environment: a venv of our own with the server in it, made only when the user asks
// for it. A failed or cancelled attempt leaves none behind.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OLDEST } from "./interpreter";
import { run, type Ended } from "./processes";

const VENV_LIMIT = 180_000;
const PIP_LIMIT = 1_200_000;
const VERSION_LIMIT = 10_000;

const VERSION = "import sys; print('%d.%d' % sys.version_info[:2])";

/** What went wrong, with what can be done; shown as it is. */
export class SetUpError extends Error {
  override name = "SetUpError";
}

export interface SetUp {
  /** Pythons to make it with, best first. */
  readonly bases: readonly string[];
  /** What pip is to install. */
  readonly requirement: string;
  readonly signal: AbortSignal;
  /** Each line of pip, and what is being done. */
  readonly say: (line: string) => void;
}

export class ManagedEnvironment {
  private readonly folder: string;

  /** `storage` is a folder of ours that outlives updates of the extension. */
  constructor(private readonly storage: string) {
    this.folder = join(storage, "environment");
  }

  /** Its interpreter; undefined where it was not made, or only in part. */
  async interpreter(): Promise<string | undefined> {
    return (await this.requirement()) === undefined ? undefined : this.python;
  }

  /** What it was made of. */
  async requirement(): Promise<string | undefined> {
    try {
      const made: unknown = JSON.parse(await readFile(join(this.folder, "autosota.json"), "utf8"));
      if (typeof made === "object" && made !== null && "requirement" in made) {
        return String(made.requirement);
      }
    } catch {
      // it was not made, or not to its end
    }
    return undefined;
  }

  /**
   * Make it, in place of one that is there.
   *
   * Throws a `SetUpError`, also when it was cancelled; then there is none.
   */
  async make(how: SetUp): Promise<string> {
    const base = await this.base(how);
    await rm(this.folder, { recursive: true, force: true });
    try {
      how.say(`${base} -m venv ${this.folder}`);
      await this.step(how, base, ["-m", "venv", this.folder], VENV_LIMIT, "the environment");
      how.say(`pip install ${how.requirement}`);
      const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
      pip.push("--progress-bar", "off");
      // after `--` a requirement cannot be taken for an option
      const words = [...pip, "--", how.requirement];
      await this.step(how, this.python, words, PIP_LIMIT, how.requirement);
      const made = { requirement: how.requirement, base };
      await writeFile(join(this.folder, "autosota.json"), JSON.stringify(made));
    } catch (error) {
      await rm(this.folder, { recursive: true, force: true });
      throw error;
    }
    return this.python;
  }

  private get python(): string {
    return process.platform === "win32"
      ? join(this.folder, "Scripts", "python.exe")
      : join(this.folder, "bin", "python");
  }

  private async base(how: SetUp): Promise<string> {
    const refused: string[] = [];
    for (const path of how.bases) {
      const limits = { cwd: this.storage, milliseconds: VERSION_LIMIT, signal: how.signal };
      const ended = await run(path, ["-c", VERSION], limits);
      if (how.signal.aborted) throw new SetUpError("it was cancelled");
      const [major = 0, minor = 0] = ended.out.trim().split(".").map(Number);
      if (ended.code !== 0) refused.push(`${path}: ${ended.why || "it does not run"}`);
      else if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return path;
      else refused.push(`${path} is Python ${ended.out.trim()}`);
    }
    const why = refused.length > 0 ? ` (${refused.join("; ")})` : "";
    throw new SetUpError(`Python ${OLDEST.join(".")} or newer is needed, and none was found${why}`);
  }

  private async step(
    how: SetUp,
    program: string,
    words: readonly string[],
    milliseconds: number,
    what: string,
  ): Promise<void> {
    const ended = await run(program, words, {
      cwd: this.storage,
      milliseconds,
      signal: how.signal,
      onLine: how.say,
    });
    if (ended.why) throw new SetUpError(`${what}: ${ended.why}`);
    if (ended.code !== 0) throw new SetUpError(`${what}: ${last(ended)}`);
  }
}

/** The line that says most of what went wrong. */
function last(ended: Ended): string {
  const lines = `${ended.out}\n${ended.err}`.split(/\r?\n/).filter((line) => line.trim());
  const error = lines.findLast((line) => /^ERROR|error:/i.test(line.trim()));
  return (error ?? lines.at(-1) ?? `it ended with ${ended.code ?? "a signal"}`).trim();
}
