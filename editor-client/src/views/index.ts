// The views of the extension: campaign, ideas, runs, and pages beside the code.

import type * as vscode from "vscode";
import type { Session } from "../session";
import { registerCommands } from "./commands";
import { Desk } from "./desk";
import { Documents } from "./documents";
import { Panels } from "./panels";

/** Pages that are made from the board, and filled again when it has news. */
const OF_THE_BOARD = ["metrics", "run"] as const;

/** Register the views; all of it ends with the extension. */
export function registerViews(context: vscode.ExtensionContext, session: Session): void {
  const desk = new Desk(session);
  const documents = new Documents(session);
  const panels = new Panels(context.extensionUri, () =>
    desk.watchPages(OF_THE_BOARD.some((kind) => panels.isVisible(kind))),
  );
  context.subscriptions.push(
    ...registerCommands({ session, desk, documents, panels }),
    desk.onNews(() => OF_THE_BOARD.forEach((kind) => panels.refresh(kind))),
    panels,
    documents,
    desk,
  );
}
