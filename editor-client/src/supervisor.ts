// Keeps one server alive for a window: finds its interpreter, starts it, starts it again after a
// crash, and ends it. It is the `Session` that everything else asks.

import * as vscode from "vscode";
import { explain } from "./errors";
import { choose, NAMES, read, summary, candidates, PROBE, type Choice } from "./interpreter";
import type { ManagedEnvironment } from "./environment";
import { run } from "./processes";
import { Notifications } from "./protocol";
import type { Answer, Argument, Command, Indexed, JobEnded, Progress } from "./protocol";
import type { PythonExtension } from "./python";
import { PAUSES, Restarts, WINDOW } from "./restarts";
import { rootOf } from "./roots";
import { ServerProcess } from "./server";
import { NoServer, Refusal, type ServerState, type Session } from "./session";
import * as settings from "./settings";

const PROBE_LIMIT = 10_000;
const READY_LIMIT = 45_000;
/** What changes at one time, such as trust and the settings that come with it, is one reason. */
const TOGETHER = 50;
const PATH = process.platform === "win32" ? ["python", "py"] : ["python3", "python"];

/** What the user may be asked when there is no interpreter; known to `notices`. */
export interface Notices {
  missing(why: string): void;
  crashed(why: string): void;
  gaveUp(why: string): void;
}

export class Supervisor implements Session, vscode.Disposable {
  private readonly events = {
    state: new vscode.EventEmitter<ServerState>(),
    ready: new vscode.EventEmitter<void>(),
    status: new vscode.EventEmitter<Progress>(),
    job: new vscode.EventEmitter<JobEnded>(),
    indexed: new vscode.EventEmitter<Indexed>(),
    root: new vscode.EventEmitter<string | undefined>(),
  };
  readonly onState = this.events.state.event;
  readonly onServerReady = this.events.ready.event;
  readonly onStatus = this.events.status.event;
  readonly onJob = this.events.job.event;
  readonly onIndexed = this.events.indexed.event;
  readonly onActiveRoot = this.events.root.event;

  readonly statuses = new Map<string, Progress>();
  private now: ServerState = "stopped";
  private root: string | undefined;
  private server: ServerProcess | undefined;
  private readonly restarts = new Restarts();
  private pause: NodeJS.Timeout | undefined;
  /** Starts and stops happen one after the other. */
  private work: Promise<void> = Promise.resolve();
  /** A restart that has not begun; what asks for another meanwhile has its share in it. */
  private restarting: Promise<void> | undefined;
  private over = false;
  private readonly disposables: vscode.Disposable[] = Object.values(this.events);

  constructor(
    readonly log: vscode.LogOutputChannel,
    private readonly storage: string,
    private readonly python: PythonExtension,
    private readonly environment: ManagedEnvironment,
    private readonly notices: Notices,
  ) {
    this.disposables.push(
      python.onChanged(() => void this.reconsider("the Python extension's choice has changed")),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.restart("the workspace is trusted")),
      vscode.workspace.onDidChangeConfiguration((event) => {
        const name = settings.NEEDS_RESTART.find((one) => event.affectsConfiguration(one));
        if (name !== undefined) void this.restart(`${name} has changed`);
      }),
      vscode.window.onDidChangeActiveTextEditor(() => this.findRoot()),
      vscode.window.onDidChangeActiveNotebookEditor(() => this.findRoot()),
    );
  }

  // ------------------------------------------------------------------ what is known

  get state(): ServerState {
    return this.now;
  }

  get activeRoot(): string | undefined {
    return this.root;
  }

  /** The server's process, for tests and for the log. */
  get pid(): number | undefined {
    return this.server?.pid;
  }

  // ------------------------------------------------------------------ asking

  async command<C extends Command>(
    name: C,
    argument: Argument<C>,
    token?: vscode.CancellationToken,
  ): Promise<Answer<C>> {
    const params = { command: name, arguments: [argument] };
    return this.request<Answer<C>>("workspace/executeCommand", params, token);
  }

  async request<R>(method: string, params: unknown, token?: vscode.CancellationToken): Promise<R> {
    const server = await this.running();
    try {
      // a token that is undefined would be sent as one more parameter
      return token === undefined
        ? await server.client.sendRequest<R>(method, params)
        : await server.client.sendRequest<R>(method, params, token);
    } catch (error) {
      throw explain(error);
    }
  }

  tell(error: unknown): void {
    if (error instanceof vscode.CancellationError) return;
    const text = error instanceof Error ? error.message : String(error);
    this.log.warn(text);
    if (error instanceof Refusal && error.stale) void vscode.window.showInformationMessage(text);
    else void vscode.window.showErrorMessage(`AutoSOTA: ${text}`);
  }

  // ------------------------------------------------------------------ life

  /** Start it for the first time. */
  start(): Promise<void> {
    return this.enqueue(() => this.begin(false));
  }

  /** End it and start it again, because something was changed or somebody asked. */
  restart(why: string, asked = false): Promise<void> {
    this.log.info(`restarting: ${why}`);
    this.restarting ??= this.enqueue(async () => {
      await new Promise((resolve) => setTimeout(resolve, TOGETHER));
      this.restarting = undefined;
      this.restarts.forget();
      await this.end();
      await this.begin(asked);
    });
    return this.restarting;
  }

  /** Start it with another interpreter, if another one is to be taken now. */
  reconsider(why: string): Promise<void> {
    return this.enqueue(async () => {
      this.log.info(why);
      const choice = await this.choose();
      if (this.now === "ready" && choice.chosen?.path === this.server?.chosen.path) return;
      if (choice.chosen === undefined) {
        this.log.info("there is none to take instead; what runs goes on");
        return;
      }
      this.restarts.forget();
      await this.end();
      await this.launch(choice, false);
    });
  }

  /** End it for good. */
  async stop(): Promise<void> {
    this.over = true;
    clearTimeout(this.pause);
    await this.server?.stop(); // also while it is starting
    await this.enqueue(() => this.end());
  }

  dispose(): void {
    this.over = true;
    clearTimeout(this.pause);
    for (const one of this.disposables) one.dispose();
  }

  // ------------------------------------------------------------------ inside

  private enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.work.then(task);
    this.work = done.catch((error: unknown) => this.log.error(String(error)));
    return this.work;
  }

  private async begin(asked: boolean): Promise<void> {
    if (this.over) return;
    this.become("starting");
    await this.launch(await this.choose(), asked);
  }

  private async choose(): Promise<Choice> {
    const trusted = vscode.workspace.isTrusted;
    const setting = settings.interpreter();
    const every = candidates({
      setting,
      // the environment of a folder may be its own: not before it is trusted
      python: trusted && !setting ? await this.python.interpreters() : [],
      managed: await this.environment.interpreter(),
      path: PATH,
    });
    const limits = { cwd: this.storage, milliseconds: PROBE_LIMIT };
    const choice = await choose(every, async (path) => read(await run(path, ["-c", PROBE], limits)));
    for (const { candidate, why } of choice.refused) {
      this.log.info(`not ${candidate.path}, ${NAMES[candidate.source]}: ${why}`);
    }
    if (choice.chosen) {
      const { path, source, version, python } = choice.chosen;
      this.log.info(`taking ${path}, ${NAMES[source]}: AutoSOTA ${version}, Python ${python}`);
    }
    return choice;
  }

  private async launch(choice: Choice, asked: boolean): Promise<void> {
    if (this.over) return;
    if (choice.chosen === undefined) {
      const before = this.now;
      this.become("missing");
      this.log.warn(summary(choice));
      if (before !== "missing" || asked) this.notices.missing(summary(choice));
      return;
    }
    this.become("starting");
    this.statuses.clear();
    const server = new ServerProcess(choice.chosen, this.storage, this.log);
    this.server = server;
    this.hear(server);
    void server.ended.then((why) => this.lost(server, why));
    try {
      await server.start();
    } catch (error) {
      this.lost(server, error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.server !== server) return;
    this.log.info(`the server is ready (process ${server.pid})`);
    this.become("ready");
    this.events.ready.fire();
    this.findRoot();
  }

  private hear(server: ServerProcess): void {
    const { client } = server;
    client.onNotification(Notifications.status, (progress: Progress) => {
      this.statuses.set(progress.root, progress);
      this.findRoot();
      this.events.status.fire(progress);
    });
    client.onNotification(Notifications.job, (ended: JobEnded) => this.events.job.fire(ended));
    client.onNotification(Notifications.indexed, (found: Indexed) => this.events.indexed.fire(found));
  }

  /** A server ended unasked. */
  private lost(server: ServerProcess, why: string): void {
    if (this.over || this.server !== server) return;
    this.server = undefined;
    this.log.error(`the server ended: ${why}`);
    const next = this.restarts.ended(Date.now());
    if (next === "give up") {
      this.become("failed");
      this.log.error("it ended too often and is given up");
      const times = `${PAUSES.length + 1} times within ${WINDOW / 60_000} minutes`;
      this.notices.gaveUp(`AutoSOTA's language server ended ${times} (${why}) and was given up.`);
      return;
    }
    this.become("waiting");
    this.log.info(`it is started again in ${next.wait / 1000} s`);
    if (next.first) {
      this.notices.crashed(`AutoSOTA's language server ended (${why}). It is being started again.`);
    }
    this.pause = setTimeout(() => {
      void this.enqueue(async () => {
        if (this.now === "waiting") await this.begin(false);
      });
    }, next.wait);
  }

  private async end(): Promise<void> {
    clearTimeout(this.pause);
    const server = this.server;
    this.server = undefined;
    await server?.stop();
    this.become("stopped");
  }

  private become(state: ServerState): void {
    if (this.now === state) return;
    this.now = state;
    void vscode.commands.executeCommand("setContext", "autosota.active", state === "ready");
    this.events.state.fire(state);
  }

  private async running(): Promise<ServerProcess> {
    const until = Date.now() + READY_LIMIT;
    while (this.now === "starting" || this.now === "waiting") {
      if (Date.now() > until) break;
      await this.change(until - Date.now());
    }
    if (this.now !== "ready" || this.server === undefined) throw new NoServer();
    return this.server;
  }

  /** The next change of the state, or the end of the time for it. */
  private change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        listener.dispose();
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      const listener = this.onState(done);
    });
  }

  private findRoot(): void {
    const shown =
      vscode.window.activeTextEditor?.document.uri ??
      vscode.window.activeNotebookEditor?.notebook.uri;
    const folders = vscode.workspace.workspaceFolders?.map((folder) => folder.uri.fsPath) ?? [];
    const found = rootOf(shown?.fsPath, [...this.statuses.keys()], folders, this.root);
    if (found === this.root) return;
    this.root = found;
    this.events.root.fire(found);
  }
}
