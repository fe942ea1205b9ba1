// Tells how campaigns that were started here have ended.

import * as vscode from "vscode";
import { jobNotice } from "./jobWords";
import { Commands, type JobEnded } from "./protocol";
import type { Session } from "./session";

export function showJobs(session: Session): vscode.Disposable {
  return session.onJob((ended) => void tell(session, ended));
}

async function tell(session: Session, ended: JobEnded): Promise<void> {
  session.log.info(`job ${ended.job} of ${ended.root} ended with ${ended.code} ${ended.message}`);
  const root = { root: ended.root };
  // what was told of it last may be from before its end
  const progress = await session.command(Commands.status, root).catch(() => undefined);
  const notice = jobNotice(ended, progress);
  if (notice === undefined) return;
  const show = {
    error: vscode.window.showErrorMessage,
    warning: vscode.window.showWarningMessage,
    information: vscode.window.showInformationMessage,
  }[notice.kind] as (text: string, ...titles: string[]) => Thenable<string | undefined>;
  const chosen = await show(notice.text, ...notice.buttons.map((button) => button.title));
  const button = notice.buttons.find((one) => one.title === chosen);
  if (button === undefined) return;
  try {
    await vscode.commands.executeCommand(button.command, root);
  } catch (error) {
    session.tell(error);
  }
}
