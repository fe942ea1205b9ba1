// What the user has set, and where. What a workspace that is not trusted says is not read.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as vscode from "vscode";

export const SECTION = "autosota";

/** Settings whose change needs another process. */
export const NEEDS_RESTART = ["interpreter", "logLevel"].map((name) => `${SECTION}.${name}`);

/**
 * The interpreter that was named, `""` for none. In a workspace that is not trusted only the
 * user's own setting counts.
 */
export function interpreter(): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  const settings = vscode.workspace.getConfiguration(SECTION, folder);
  const inspected = settings.inspect<string>("interpreter");
  const value = vscode.workspace.isTrusted
    ? settings.get<string>("interpreter")
    : inspected?.globalValue;
  return expand(typeof value === "string" ? value.trim() : "", folder?.uri.fsPath);
}

/** What pip installs into the managed environment: a requirement or a folder. */
export function packageSpec(): string {
  const value = vscode.workspace.getConfiguration(SECTION).get<string>("package");
  return (typeof value === "string" && value.trim()) || "autosota";
}

export function logLevel(): string {
  const value = vscode.workspace.getConfiguration(SECTION).get<string>("logLevel") ?? "";
  return ["error", "warning", "info", "debug"].includes(value) ? value : "warning";
}

/** `~`, `${workspaceFolder}` and paths relative to it, as in other settings of this kind. */
export function expand(value: string, folder: string | undefined): string {
  if (!value) return "";
  let path = value.replace(/^~(?=$|[\\/])/, homedir());
  if (folder !== undefined) path = path.replaceAll("${workspaceFolder}", folder);
  if (isAbsolute(path) || !/[\\/]/.test(path)) return path; // a bare name: the search path
  return folder === undefined ? path : join(folder, path);
}
