// Commands that give the server a Python to run with: a managed environment, or one of the user's.

import * as vscode from "vscode";
import { SetUpError, type ManagedEnvironment } from "./environment";
import { OLDEST, PROBE, read } from "./interpreter";
import { run } from "./processes";
import type { PythonExtension } from "./python";
import * as settings from "./settings";
import type { Supervisor } from "./supervisor";

const NEWEST = 14;

export function registerSetUp(
  supervisor: Supervisor,
  environment: ManagedEnvironment,
  python: PythonExtension,
  storage: string,
): vscode.Disposable {
  let making: AbortController | undefined;

  const make = async (): Promise<void> => {
    if (making !== undefined) return;
    making = new AbortController();
    try {
      await makeEnvironment(supervisor, environment, python, making);
    } finally {
      making = undefined;
    }
  };

  return vscode.Disposable.from(
    new vscode.Disposable(() => making?.abort()), // pip does not outlive the window
    vscode.commands.registerCommand("autosota.createEnvironment", make),
    vscode.commands.registerCommand("autosota.chooseInterpreter", () =>
      chooseInterpreter(python, storage),
    ),
    vscode.commands.registerCommand("autosota.restart", () =>
      supervisor.restart("it was asked for", true),
    ),
  );
}

async function makeEnvironment(
  supervisor: Supervisor,
  environment: ManagedEnvironment,
  python: PythonExtension,
  stop: AbortController,
): Promise<void> {
  const requirement = settings.packageSpec();
  const { log } = supervisor;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: `AutoSOTA: making an environment with ${requirement}`,
    cancellable: true,
  };
  try {
    await vscode.window.withProgress(options, async (progress, token) => {
      token.onCancellationRequested(() => stop.abort());
      const bases = await pythons(python);
      const say = (line: string): void => {
        log.info(line);
        progress.report({ message: line.length > 100 ? `${line.slice(0, 100)}…` : line });
      };
      return environment.make({ bases, requirement, signal: stop.signal, say });
    });
  } catch (error) {
    if (stop.signal.aborted) {
      log.info("making the environment was cancelled");
      return;
    }
    const why = error instanceof SetUpError ? error.message : String(error);
    log.error(`the environment was not made: ${why}`);
    void offerAgain(`AutoSOTA: the environment was not made. ${why}`);
    return;
  }
  await supervisor.restart("the environment was made", true);
}

async function offerAgain(text: string): Promise<void> {
  const chosen = await vscode.window.showErrorMessage(text, "Try Again", "Show Log");
  if (chosen === "Try Again") await vscode.commands.executeCommand("autosota.createEnvironment");
  else if (chosen === "Show Log") await vscode.commands.executeCommand("autosota.showLog");
}

/** Pythons that an environment can be made with, best first. */
async function pythons(python: PythonExtension): Promise<string[]> {
  const named = settings.interpreter();
  const chosen = vscode.workspace.isTrusted ? await python.interpreters() : [];
  const versions: string[] = [];
  for (let minor = NEWEST; minor >= OLDEST[1]; minor--) versions.push(`python3.${minor}`);
  const path = process.platform === "win32" ? ["python", "py"] : ["python3", ...versions, "python"];
  return [...new Set([...(named ? [named] : []), ...chosen, ...path])];
}

async function chooseInterpreter(python: PythonExtension, storage: string): Promise<void> {
  const browse = "$(folder-opened) Find…";
  const type = "$(edit) Enter a path…";
  const follow = python.installed
    ? "$(check) Use the Python extension's environment"
    : "$(check) Use the first that has AutoSOTA";
  const title = "AutoSOTA: the Python that runs the language server";
  const rows = [browse, type, follow];
  const chosen = await vscode.window.showQuickPick(rows, { title });
  let path: string | undefined;
  if (chosen === browse) {
    const found = await vscode.window.showOpenDialog({ title, openLabel: "Use This Python" });
    path = found?.[0]?.fsPath;
  } else if (chosen === type) {
    path = await vscode.window.showInputBox({
      title,
      prompt: "Path of a Python that has AutoSOTA installed",
      value: settings.interpreter(),
      validateInput: async (text) => {
        if (!text.trim()) return "A path is needed";
        const limits = { cwd: storage, milliseconds: 5_000 };
        const program = settings.expand(text.trim(), undefined);
        const answer = read(await run(program, ["-c", PROBE], limits));
        return "why" in answer ? answer.why : undefined;
      },
    });
  } else if (chosen === follow) {
    path = "";
  }
  if (path === undefined) return;
  const section = vscode.workspace.getConfiguration(settings.SECTION);
  // the change of the setting restarts the server
  await section.update("interpreter", path.trim(), vscode.ConfigurationTarget.Global);
}
