// The extension: puts its parts together when it is activated, and ends the server when it goes.

import { mkdir } from "node:fs/promises";
import * as vscode from "vscode";
import { registerCommands } from "./commands";
import { ManagedEnvironment } from "./environment";
import { showJobs } from "./jobs";
import { WindowNotices } from "./notices";
import { PythonExtension } from "./python";
import { registerSetUp } from "./setUp";
import type { Session } from "./session";
import { showStatusBar } from "./statusBar";
import { Supervisor } from "./supervisor";
import { registerViews } from "./views";

/** What other extensions and tests may use. */
export interface Api {
  readonly session: Session;
  /** The server's process; none while it does not run. */
  readonly serverPid: () => number | undefined;
}

let supervisor: Supervisor | undefined;
/** Open until the server has ended: what is subscribed is disposed of before that. */
let channel: vscode.LogOutputChannel | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const log = vscode.window.createOutputChannel("AutoSOTA", { log: true });
  const storage = context.globalStorageUri.fsPath;
  await mkdir(storage, { recursive: true });
  const python = new PythonExtension(log);
  const environment = new ManagedEnvironment(storage);
  const notices = new WindowNotices(context.globalState);
  const started = new Supervisor(log, storage, python, environment, notices);
  supervisor = started;
  channel = log;
  context.subscriptions.push(
    python,
    started,
    showStatusBar(started),
    showJobs(started),
    registerCommands(started),
    registerSetUp(started, environment, python, storage),
  );
  registerViews(context, started);
  void started.start(); // whoever asks meanwhile waits for it
  return { session: started, serverPid: () => started.pid };
}

export async function deactivate(): Promise<void> {
  await supervisor?.stop();
  supervisor = undefined;
  channel?.dispose();
}
