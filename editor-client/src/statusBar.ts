// The item in the status bar: what `statusText` says, whenever something has changed.

import * as vscode from "vscode";
import type { Session } from "./session";
import { statusText } from "./statusText";

/** Its id; a test finds it by this. */
export const ITEM = "autonomy";

const COLORS = {
  plain: undefined,
  warning: new vscode.ThemeColor("statusBarItem.warningBackground"),
  error: new vscode.ThemeColor("statusBarItem.errorBackground"),
};

export function showStatusBar(session: Session): vscode.Disposable {
  const item = vscode.window.createStatusBarItem(ITEM, vscode.StatusBarAlignment.Left, -10);
  item.name = "AutoSOTA";
  item.command = "autosota.menu";

  const update = (): void => {
    const root = session.activeRoot;
    const progress = root === undefined ? undefined : session.statuses.get(root);
    const running = [...session.statuses.values()].filter((one) => one.state === "running");
    const shown = statusText({
      state: session.state,
      trusted: vscode.workspace.isTrusted,
      progress,
      alsoRunning: running.filter((one) => one.root !== root).length,
    });
    item.text = shown.text;
    item.tooltip = new vscode.MarkdownString(shown.tooltip);
    item.accessibilityInformation = { label: shown.label, role: "button" };
    item.backgroundColor = COLORS[shown.color];
    setContext("autosota.running", progress?.state === "running");
    setContext("autosota.resumable", progress?.state === "stopped" || progress?.state === "idle");
    setContext("autosota.hasObjective", progress?.has_objective === true);
  };

  update();
  item.show();
  return vscode.Disposable.from(
    item,
    session.onState(update),
    session.onStatus(update),
    session.onActiveRoot(update),
  );
}

const contexts = new Map<string, boolean>();

function setContext(name: string, value: boolean): void {
  if (contexts.get(name) === value) return;
  contexts.set(name, value);
  void vscode.commands.executeCommand("setContext", name, value);
}
