// What is changed in messages on their way: whether the workspace is trusted is added to the
// settings, and a code action that cannot be carried out says why.

import * as vscode from "vscode";
import type { CodeAction, Middleware } from "vscode-languageclient/node";
import { explain } from "./errors";
import { ticked } from "./preview";
import { Refusal } from "./session";
import { SECTION } from "./settings";

export function middleware(log: vscode.LogOutputChannel): Middleware {
  return {
    async sendRequest(type, param, token, next) {
      const answer = await next(type, param, token);
      const method = typeof type === "string" ? type : type.method;
      if (method !== "codeAction/resolve") return answer;
      const action = answer as CodeAction;
      return (action.edit ? { ...action, edit: ticked(action.edit) } : action) as typeof answer;
    },
    workspace: {
      async configuration(params, token, next) {
        const answer = await next(params, token);
        if (!Array.isArray(answer)) return answer;
        // VS Code knows trust by itself and not by a setting; it has the last word
        return answer.map((value: unknown, n) =>
          params.items[n]?.section === SECTION
            ? { ...(typeof value === "object" ? value : {}), trusted: vscode.workspace.isTrusted }
            : value,
        );
      },
    },
    async resolveCodeAction(item, token, next) {
      try {
        return await next(item, token);
      } catch (error) {
        // VS Code says nothing when an action's edit cannot be had, and nothing would happen
        if (token.isCancellationRequested) return item;
        const found = explain(error);
        log.info(`${item.title}: ${found.message}`);
        if (found instanceof vscode.CancellationError || (found instanceof Refusal && found.stale)) {
          const text = "The text has changed since this was offered; open the light bulb again.";
          void vscode.window.showInformationMessage(text);
        } else {
          void vscode.window.showWarningMessage(`${item.title}: ${found.message}`);
        }
        return item;
      }
    },
  };
}
