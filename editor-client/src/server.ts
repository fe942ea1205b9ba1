// One process of the language server and its connection, from start to end. Why it is started,
// and what follows when it ends, is not known here.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type DynamicFeature,
  type LanguageClientOptions,
  type StaticFeature,
} from "vscode-languageclient/node";
import type { Chosen } from "./interpreter";
import { middleware } from "./middleware";
import type { InitializationOptions } from "./protocol";
import { logLevel, SECTION } from "./settings";

const START_LIMIT = 30_000;
const SHUTDOWN_LIMIT = 2_000;
const DEATH_LIMIT = 1_000;

/** What we ask the server about: scripts, unsaved ones, and cells of notebooks. */
const DOCUMENTS = ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({
  scheme,
  language: "python",
}));

export class ServerProcess {
  readonly client: LanguageClient;
  private child: ChildProcess | undefined;
  private lastWords = "";
  private wanted = true;
  private readonly ending: Promise<string>;
  private end: (why: string) => void = () => {};

  /** `cwd` is a folder without anything that Python could import. */
  constructor(
    readonly chosen: Chosen,
    private readonly cwd: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.ending = new Promise((resolve) => {
      this.end = resolve;
    });
    this.client = new QuietClient(SECTION, "AutoSOTA", () => this.spawn(), this.options());
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves with the reason once the server has ended unasked; never when it was stopped. */
  get ended(): Promise<string> {
    return this.ending;
  }

  /** Start it, and wait until it can be asked. Rejects with the reason when that fails. */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      const why = `it did not answer within ${START_LIMIT / 1000} s`;
      timer = setTimeout(() => reject(new Error(why)), START_LIMIT);
    });
    const ended = this.ending.then((why) => Promise.reject(new Error(why)));
    const started = this.client.start().catch(async (error: unknown) => {
      // what the process said tells more than that its connection closed
      if (this.child?.pid === undefined) throw error;
      throw new Error(await this.epitaph());
    });
    try {
      await Promise.race([started, ended, limit]);
    } catch (error) {
      this.wanted = false;
      this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** End it: kindly, then not. Gone when this resolves. */
  async stop(): Promise<void> {
    this.wanted = false;
    try {
      await this.client.dispose(SHUTDOWN_LIMIT);
    } catch (error) {
      this.log.warn(`stopping the server: ${String(error)}`);
    }
    if (!(await this.gone(DEATH_LIMIT))) {
      this.kill();
      await this.gone(DEATH_LIMIT);
    }
  }

  private spawn(): Promise<ChildProcess> {
    const words = ["-m", "autosota.lsp", "--stdio", "--log", logLevel()];
    this.log.info(`starting ${this.chosen.path} ${words.join(" ")}`);
    const child = spawn(this.chosen.path, words, { cwd: this.cwd, windowsHide: true });
    this.child = child;
    this.listen(child);
    return new Promise((resolve, reject) => {
      child.once("spawn", () => resolve(child));
      child.once("error", reject);
    });
  }

  /** Its stderr is the log: `WARNING autosota.lsp.life: …`, and lines that belong to it. */
  private listen(child: ChildProcess): void {
    let level = "WARNING";
    const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
    lines.on("line", (line) => {
      level = /^(DEBUG|INFO|WARNING|ERROR|CRITICAL) /.exec(line)?.[1] ?? level;
      if (line.trim()) this.lastWords = line.trim();
      if (level === "DEBUG") this.log.debug(line);
      else if (level === "INFO") this.log.info(line);
      else if (level === "WARNING") this.log.warn(line);
      else this.log.error(line);
    });
    child.on("exit", () => {
      void this.epitaph().then((why) => {
        if (this.wanted) this.end(why);
      });
    });
  }

  /** Why the process ended, in words; what is left of it is ended. */
  private async epitaph(): Promise<string> {
    if (!(await this.gone(DEATH_LIMIT))) {
      this.kill();
      return "it closed its connection";
    }
    await new Promise((resolve) => setTimeout(resolve, 50)); // its last words may be on their way
    const { exitCode, signalCode } = this.child ?? {};
    const how = signalCode ? `signal ${signalCode}` : `exit code ${exitCode ?? "unknown"}`;
    return this.lastWords ? `${how}: ${this.lastWords}` : how;
  }

  private async gone(milliseconds: number): Promise<boolean> {
    const child = this.child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      child.once("exit", () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  private kill(): void {
    const child = this.child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
    }
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: DOCUMENTS,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      stdioOptions: { stdout: () => {}, stderr: () => {} }, // read in `listen`
      initializationOptions,
      initializationFailedHandler: () => false,
      middleware: middleware(this.log),
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          void this.epitaph().then((why) => {
            if (this.wanted) this.end(why);
          });
          return { action: CloseAction.DoNotRestart, handled: true, message: "the server has ended" };
        },
      },
    };
  }
}

function initializationOptions(): InitializationOptions {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const enabled = (name: string) => ({ enable: settings.get<boolean>(`${name}.enable`) !== false });
  return {
    check: enabled("check"),
    ideas: enabled("ideas"),
    lens: enabled("lens"),
    hints: enabled("hints"),
    budgetEvaluations: settings.get<number>("budgetEvaluations") ?? 0,
    trusted: vscode.workspace.isTrusted,
    asksReasons: true,
    views: true,
    status: true,
  };
}

/**
 * The client without habits that are ours to have: it registers no commands (ours are there
 * whether a server runs or not), and shows no messages of its own (they go to the log).
 */
class QuietClient extends LanguageClient {
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const type = "registrationType" in feature ? feature.registrationType : undefined;
    if (type?.method !== "workspace/executeCommand") super.registerFeature(feature);
  }

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  override async stop(timeout?: number): Promise<void> {
    if (this.state === State.Running) await super.stop(timeout);
  }
}
