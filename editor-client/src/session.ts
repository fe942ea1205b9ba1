// What views and commands may know of the server: to ask it, and to hear of it. How it is found,
// started and kept alive is not known here.

import type * as vscode from "vscode";
import type { Answer, Argument, Command, Indexed, JobEnded, Progress } from "./protocol";

/**
 * - `missing`: no interpreter has the server, and the user was told;
 * - `starting`, `ready`: on its way, and there;
 * - `waiting`: it ended unasked and is started again after a pause;
 * - `failed`: it ended too often, and is started again only when the user asks for it;
 * - `stopped`: not started yet, or ended on purpose.
 */
export type ServerState = "missing" | "starting" | "ready" | "waiting" | "failed" | "stopped";

/** One window's server, whichever process that is just now. */
export interface Session {
  readonly log: vscode.LogOutputChannel;

  readonly state: ServerState;
  readonly onState: vscode.Event<ServerState>;
  /** The server is ready: for the first time, or again. What was known of it is out of date. */
  readonly onServerReady: vscode.Event<void>;

  /** How far each workspace's campaign is, by its root, as the server said last. */
  readonly statuses: ReadonlyMap<string, Progress>;
  readonly onStatus: vscode.Event<Progress>;
  /** The process of a campaign that was started here has ended. */
  readonly onJob: vscode.Event<JobEnded>;
  readonly onIndexed: vscode.Event<Indexed>;

  /**
   * The root that commands without one are for: of the file that is edited, or was last. None
   * before the server has told of any.
   */
  readonly activeRoot: string | undefined;
  readonly onActiveRoot: vscode.Event<string | undefined>;

  /**
   * Have the server carry out a command. Waits for a server that is starting.
   *
   * Rejects with a `Refusal` when the server says no, in its words; with `NoServer` when there is
   * none; with `vscode.CancellationError` when the token was cancelled. Nothing is shown.
   */
  command<C extends Command>(
    name: C,
    argument: Argument<C>,
    token?: vscode.CancellationToken,
  ): Promise<Answer<C>>;

  /** Send any other request of the protocol; rejects like `command`. */
  request<R>(method: string, params: unknown, token?: vscode.CancellationToken): Promise<R>;

  /** Show why something failed, once; what was cancelled is not shown. */
  tell(error: unknown): void;
}

/** The server's "no", in its words. `stale`: the text has changed, and asking again may help. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly stale: boolean,
  ) {
    super(message);
    this.name = "Refusal";
  }
}

/** There is no server to ask. */
export class NoServer extends Error {
  constructor() {
    super("AutoSOTA's language server is not running");
    this.name = "NoServer";
  }
}
