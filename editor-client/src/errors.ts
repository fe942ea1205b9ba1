// What went wrong with a request, in the terms of `session`.

import * as vscode from "vscode";
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageclient/node";
import { NoServer, Refusal } from "./session";

/** An error of the protocol, as callers of a session know it. */
export function explain(error: unknown): Error {
  if (!(error instanceof ResponseError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  switch (error.code) {
    case LSPErrorCodes.RequestFailed:
      return new Refusal(error.message, false);
    case LSPErrorCodes.ContentModified:
      return new Refusal(error.message, true);
    case LSPErrorCodes.RequestCancelled:
    case LSPErrorCodes.ServerCancelled:
      return new vscode.CancellationError();
    case ErrorCodes.PendingResponseRejected:
    case ErrorCodes.ConnectionInactive:
      return new NoServer();
    default:
      return new Error(error.message);
  }
}
