// What is shown when there is no server, and what one may do about it.

import * as vscode from "vscode";
import type { Notices } from "./supervisor";

const TOLD = "missingTold";

export class WindowNotices implements Notices {
  private missingIsOpen = false;

  /** `memory` remembers across windows what was waved away. */
  constructor(private readonly memory: vscode.Memento) {}

  /**
   * No interpreter has the server. Told once: who closes it is not told in the next window, and
   * finds it in the status bar. `why` is new each time that something else is wrong.
   */
  missing(why: string): void {
    if (this.missingIsOpen || this.memory.get(TOLD) === why) return;
    this.missingIsOpen = true;
    void this.askMissing(why).finally(() => {
      this.missingIsOpen = false;
    });
  }

  crashed(why: string): void {
    void this.offerRestart(vscode.window.showWarningMessage(why, "Show Log", "Restart"));
  }

  gaveUp(why: string): void {
    void this.offerRestart(vscode.window.showErrorMessage(why, "Show Log", "Restart"));
  }

  private async askMissing(why: string): Promise<void> {
    const make = "Create an Environment";
    const name = "Choose an Interpreter";
    const chosen = await vscode.window.showWarningMessage(
      `AutoSOTA: ${why}`,
      make,
      name,
      "Show Log",
    );
    if (chosen === make) await vscode.commands.executeCommand("autosota.createEnvironment");
    else if (chosen === name) await vscode.commands.executeCommand("autosota.chooseInterpreter");
    else if (chosen === "Show Log") await vscode.commands.executeCommand("autosota.showLog");
    else await this.memory.update(TOLD, why);
  }

  private async offerRestart(asked: Thenable<string | undefined>): Promise<void> {
    const chosen = await asked;
    if (chosen === "Show Log") await vscode.commands.executeCommand("autosota.showLog");
    else if (chosen === "Restart") await vscode.commands.executeCommand("autosota.restart");
  }
}
