// What can be done with ideas and their patches: look, go there, apply, refuse, filter the list.

import * as path from "node:path";
import * as vscode from "vscode";
import { Commands, type IdeaRow } from "../protocol";
import type { Desk } from "./desk";
import { type Filter, GRANULARITIES, GROUPS, parse, written } from "./filter";
import { capital, words } from "./rows";
import { anIdea, type Means, rootOf } from "./which";

export async function openIdea(means: Means, given: unknown): Promise<void> {
  const idea = await anIdea(means, given, "Show which idea?");
  if (idea.patch) {
    await showDiff(means, idea);
  } else if (idea.path && idea.line > 0) {
    await goTo(means, idea);
  } else {
    await means.documents.showIdea(rootOf(means), idea);
  }
}

export async function diff(means: Means, given: unknown): Promise<void> {
  const idea = await anIdea(means, given, "Show the diff of which idea?", (one) => one.patch !== "");
  await showDiff(means, idea);
}

async function showDiff(means: Means, idea: IdeaRow): Promise<void> {
  const root = rootOf(means);
  const patch = await means.session.command(Commands.patch, { root, id: idea.patch });
  await means.documents.showPatch(root, patch);
}

export async function toPlace(means: Means, given: unknown): Promise<void> {
  await goTo(means, await anIdea(means, given, "Go to which idea?", (one) => one.path !== ""));
}

async function goTo(means: Means, idea: IdeaRow): Promise<void> {
  const uri = vscode.Uri.file(path.join(rootOf(means), idea.path));
  const first = Math.max(0, idea.line - 1);
  const last = Math.max(first, idea.end_line - 1);
  const selection = new vscode.Range(first, 0, last, Number.MAX_SAFE_INTEGER);
  await vscode.commands.executeCommand("vscode.open", uri, { selection, preview: true });
}

export async function details(means: Means, given: unknown): Promise<void> {
  await means.documents.showIdea(rootOf(means), await anIdea(means, given, "Show which idea?"));
}

export async function apply(means: Means, given: unknown): Promise<void> {
  const idea = await anIdea(means, given, "Apply the patch of which idea?", (one) => one.patch !== "");
  await bringIn(means, idea.patch);
}

export async function bestDiff(means: Means): Promise<void> {
  const root = rootOf(means);
  const patch = await means.session.command(Commands.patch, { root, id: "" });
  await means.documents.showPatch(root, patch);
}

/** Bring a patch into the user's files, once they know what stands behind it; '' is the best. */
export async function bringIn(means: Means, id: string): Promise<void> {
  const root = rootOf(means);
  const patch = await means.session.command(Commands.patch, { root, id });
  const files = patch.files.map((file) => file.path);
  const unsaved = vscode.workspace.textDocuments.filter(
    (document) =>
      document.isDirty && files.some((file) => path.join(root, file) === document.uri.fsPath),
  );
  if (unsaved.length > 0) {
    const names = unsaved.map((one) => path.basename(one.uri.fsPath)).join(", ");
    throw new Error(`Save ${names} first: the patch is brought into the files on disk.`);
  }
  const sure = patch.confirmed ? "Apply" : "Apply Unconfirmed";
  const detail = [
    capital(patch.standing || "Nothing is known of it."),
    patch.verdict && `Audit: ${words(patch.verdict)}.`,
    `It changes ${files.join(", ")}.`,
    ...patch.notes.filter((note) => !patch.standing.includes(note)),
  ];
  const ask = patch.confirmed
    ? vscode.window.showInformationMessage
    : vscode.window.showWarningMessage;
  const answer = await ask(
    `Apply “${patch.title}”?`,
    { modal: true, detail: detail.filter(Boolean).join("\n\n") },
    ...(patch.confirmed ? [sure, "Show Diff"] : ["Show Diff", sure]), // the first is Enter's
  );
  if (answer === "Show Diff") {
    await means.documents.showPatch(root, patch);
  }
  if (answer !== sure) {
    return;
  }
  const done = await means.session.command(Commands.apply, { root, id: patch.id });
  means.desk.boards.refresh();
  const result =
    done.files.length > 0
      ? `Applied to ${done.files.join(", ")}. ${done.confirmed ? "It is confirmed." : capital(done.standing)}`
      : "Nothing had to be changed: the files hold this patch already.";
  void vscode.window.showInformationMessage(result);
}

export async function reject(means: Means, given: unknown): Promise<void> {
  const open = (idea: IdeaRow) => !["refused", "rejected", "inadmissible"].includes(idea.fate);
  const idea = await anIdea(means, given, "Refuse which idea?", open);
  const why = await vscode.window.showInputBox({
    title: `Refuse “${idea.title}”`,
    prompt: "The reason is kept in the ledger, and the idea is not tried again.",
    placeHolder: "Why not?",
    validateInput: (text) => (text.trim() ? undefined : "A refusal needs a reason."),
  });
  if (why === undefined) {
    return;
  }
  await means.session.command(Commands.reject, { root: rootOf(means), id: idea.id, why: why.trim() });
  means.desk.boards.refresh();
}

/** A filter that works while one types; the button chooses tags from a list. */
export async function filter({ desk }: Means): Promise<void> {
  const before = desk.filter;
  const input = vscode.window.createInputBox();
  const tags: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon("list-filter"),
    tooltip: "Choose depth and fate",
  };
  input.title = "Filter ideas";
  input.placeholder = "Words, and tags as in: dropout @code @untried";
  const names = [...GRANULARITIES, ...GROUPS].map((one) => `@${one.tag}`);
  input.prompt = `Tags: ${names.join(" ")}`;
  input.value = written(before);
  input.buttons = [tags];
  input.onDidChangeValue((value) => desk.setFilter(parse(value)));
  const how = await new Promise<"kept" | "dropped" | "tags">((resolve) => {
    input.onDidAccept(() => resolve("kept"));
    input.onDidTriggerButton(() => resolve("tags"));
    input.onDidHide(() => resolve("dropped"));
    input.show();
  });
  input.dispose();
  if (how === "dropped") {
    desk.setFilter(before);
  } else if (how === "tags") {
    await chooseTags(desk);
  }
}

async function chooseTags(desk: Desk): Promise<void> {
  const { filter: now } = desk;
  type Item = vscode.QuickPickItem & { set?: (filter: Filter) => Filter };
  const kinds = GRANULARITIES.map((one): Item => ({
    label: one.title,
    description: `@${one.tag}`,
    picked: now.granularities.includes(one.name),
    set: (f) => ({ ...f, granularities: [...f.granularities, one.name] }),
  }));
  const fates = GROUPS.map((one): Item => ({
    label: one.title,
    description: `@${one.tag}`,
    picked: now.groups.includes(one.tag),
    set: (f) => ({ ...f, groups: [...f.groups, one.tag] }),
  }));
  const line = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items = [line("Depth"), ...kinds, line("What became of it"), ...fates];
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Filter ideas",
    placeHolder: "Nothing chosen: all of them",
    canPickMany: true,
  });
  if (chosen !== undefined) {
    const bare: Filter = { text: now.text, granularities: [], groups: [] };
    desk.setFilter(chosen.reduce((found, item) => item.set?.(found) ?? found, bare));
  }
}
