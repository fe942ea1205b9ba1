// What can be done in the views. Each command may be called on a row, or from the palette, where
// it asks which one is meant. The server decides; here it is asked, and its answer shown.

import * as path from "node:path";
import * as vscode from "vscode";
import { Commands, type IdeaRow, type RunRow, type ShowIdeas, type ShowReceipt } from "../protocol";
import type { Session } from "../session";
import type { Desk, ViewName } from "./desk";
import { VIEWS } from "./desk";
import type { Documents } from "./documents";
import { EVERYTHING, type Filter, GRANULARITIES, GROUPS, parse, written } from "./filter";
import { placeOf } from "./ideas";
import { campaignPage, receiptPage, reportPage, runPage } from "./pages";
import type { Panels } from "./panels";
import { capital, dotted, moment, type Row, words } from "./rows";
import { isLive, sideOf } from "./runs";
import { sanitised, sorry } from "./sanitise";

/** What every command may use. */
export interface Means {
  readonly session: Session;
  readonly desk: Desk;
  readonly documents: Documents;
  readonly panels: Panels;
}

type Handler = (given: unknown) => Promise<unknown>;

/** Register the commands of the views. */
export function registerCommands(means: Means): vscode.Disposable[] {
  const table: [string, ViewName, Handler][] = [
    ["autosota.view.ideas", "ideas", (given) => viewIdeas(means, given as ShowIdeas)],
    ["autosota.view.receipt", "runs", (given) => viewReceipt(means, given as ShowReceipt)],
    ["autosota.view.campaign", "campaign", (given) => viewCampaign(means, given)],
    ["autosota.ideas.open", "ideas", (given) => openIdea(means, given)],
    ["autosota.ideas.diff", "ideas", (given) => diff(means, given)],
    ["autosota.ideas.place", "ideas", (given) => toPlace(means, given)],
    ["autosota.ideas.details", "ideas", (given) => details(means, given)],
    ["autosota.ideas.apply", "ideas", (given) => apply(means, given)],
    ["autosota.ideas.reject", "ideas", (given) => reject(means, given)],
    ["autosota.ideas.filter", "ideas", () => filter(means)],
    ["autosota.ideas.clearFilter", "ideas", async () => means.desk.setFilter(EVERYTHING)],
    ["autosota.runs.open", "runs", (given) => openRun(means, given)],
    ["autosota.runs.log", "runs", (given) => log(means, given)],
    ["autosota.runs.receipt", "runs", (given) => receipt(means, given)],
    ["autosota.runs.chart", "runs", (given) => chart(means, given)],
    ["autosota.views.copyId", "ideas", (given) => copyId(means, given)],
    ["autosota.views.refresh", "campaign", async () => means.desk.boards.refresh()],
    ["autosota.campaign.chart", "campaign", async () => campaignChart(means)],
    ["autosota.campaign.report", "campaign", async () => report(means)],
    ["autosota.campaign.best", "campaign", () => bestDiff(means)],
    ["autosota.campaign.apply", "campaign", () => bringIn(means, "")],
    ["autosota.campaign.look", "campaign", (given) => look(means, given)],
    ["autosota.campaign.newest", "campaign", async () => means.desk.boards.look(means.desk.root)],
  ];
  return table.map(([name, view, handler]) =>
    vscode.commands.registerCommand(name, (given: unknown) =>
      means.desk.attempt(view, () => handler(given)),
    ),
  );
}

// ------------------------------------------------------------------ from lenses

async function viewIdeas({ desk }: Means, given: ShowIdeas | undefined): Promise<void> {
  await focus("ideas");
  if (given?.path) {
    await desk.showPlace(given.root, given.path, given.ids ?? []);
  }
}

async function viewReceipt(means: Means, given: ShowReceipt | undefined): Promise<void> {
  if (given?.id) {
    showReceipt(means, given.root, given.id);
  } else {
    await focus("runs");
  }
}

async function viewCampaign({ desk }: Means, given: unknown): Promise<void> {
  const root = (given as { root?: unknown } | undefined)?.root;
  if (typeof root === "string" && root) {
    desk.boards.look(root);
  }
  await focus("campaign");
}

async function focus(view: ViewName): Promise<void> {
  await vscode.commands.executeCommand(`${VIEWS[view]}.focus`);
}

// ------------------------------------------------------------------ ideas

async function openIdea(means: Means, given: unknown): Promise<void> {
  const idea = await anIdea(means, given, "Show which idea?");
  if (idea.patch) {
    await showDiff(means, idea);
  } else if (idea.path && idea.line > 0) {
    await goTo(means, idea);
  } else {
    await means.documents.showIdea(rootOf(means), idea);
  }
}

async function diff(means: Means, given: unknown): Promise<void> {
  const idea = await anIdea(means, given, "Show the diff of which idea?", (one) => one.patch !== "");
  await showDiff(means, idea);
}

async function showDiff(means: Means, idea: IdeaRow): Promise<void> {
  const root = rootOf(means);
  const patch = await means.session.command(Commands.patch, { root, id: idea.patch });
  await means.documents.showPatch(root, patch);
}

async function toPlace(means: Means, given: unknown): Promise<void> {
  await goTo(means, await anIdea(means, given, "Go to which idea?", (one) => one.path !== ""));
}

async function goTo(means: Means, idea: IdeaRow): Promise<void> {
  const uri = vscode.Uri.file(path.join(rootOf(means), idea.path));
  const first = Math.max(0, idea.line - 1);
  const last = Math.max(first, idea.end_line - 1);
  const selection = new vscode.Range(first, 0, last, Number.MAX_SAFE_INTEGER);
  await vscode.commands.executeCommand("vscode.open", uri, { selection, preview: true });
}

async function details(means: Means, given: unknown): Promise<void> {
  await means.documents.showIdea(rootOf(means), await anIdea(means, given, "Show which idea?"));
}

async function apply(means: Means, given: unknown): Promise<void> {
  const idea = await anIdea(means, given, "Apply the patch of which idea?", (one) => one.patch !== "");
  await bringIn(means, idea.patch);
}

async function bestDiff(means: Means): Promise<void> {
  const root = rootOf(means);
  const patch = await means.session.command(Commands.patch, { root, id: "" });
  await means.documents.showPatch(root, patch);
}

/** Bring a patch into the user's files, once they know what stands behind it; '' is the best. */
async function bringIn(means: Means, id: string): Promise<void> {
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

async function reject(means: Means, given: unknown): Promise<void> {
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
async function filter({ desk }: Means): Promise<void> {
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

// ------------------------------------------------------------------ runs

async function openRun(means: Means, given: unknown): Promise<void> {
  const run = await aRun(means, given, "Show which run?");
  if (run.receipt) {
    showReceipt(means, rootOf(means), run.id);
  } else {
    await means.documents.showLog(rootOf(means), run.id, nameOf(means, run));
  }
}

async function log(means: Means, given: unknown): Promise<void> {
  const run = await aRun(means, given, "Show the log of which run?", (one) => one.log);
  await means.documents.showLog(rootOf(means), run.id, nameOf(means, run));
}

async function receipt(means: Means, given: unknown): Promise<void> {
  const subject = (given as Row | undefined)?.subject;
  let ids: readonly string[] = [];
  if (subject?.kind === "receipts") {
    ids = subject.receipts;
  } else if (subject?.kind === "idea") {
    ids = subject.idea.receipts;
  }
  if (ids.length === 1 && ids[0] !== undefined) {
    showReceipt(means, rootOf(means), ids[0]);
    return;
  }
  const wanted = new Set(ids);
  const run = await aRun(
    means,
    given,
    "Show the receipt of which run?",
    (one) => one.receipt !== "" && (wanted.size === 0 || wanted.has(one.id)),
  );
  showReceipt(means, rootOf(means), run.id);
}

function showReceipt(means: Means, root: string, id: string): void {
  const known = means.desk.boards.board?.runs.find((run) => run.id === id);
  let json = "";
  means.panels.show("receipt", {
    title: known === undefined ? "Receipt" : `Receipt: ${nameOf(means, known)}`,
    fill: async () => {
      const found = await means.session.command(Commands.receipt, { root, id });
      json = found.json;
      return { body: receiptPage(found) };
    },
    act: (act, of) => {
      if (act === "copy") {
        void vscode.env.clipboard.writeText(json);
        void vscode.window.setStatusBarMessage("$(check) The receipt is in the clipboard", 4000);
      } else {
        pressed(means, root, act, of);
      }
    },
  });
}

async function chart(means: Means, given: unknown): Promise<void> {
  const run = await aRun(means, given, "Show the metrics of which run?", (one) => one.log);
  showRun(means, rootOf(means), run.id);
}

function showRun(means: Means, root: string, id: string): void {
  const known = means.desk.boards.board?.runs.find((run) => run.id === id);
  const title = known === undefined ? `Run ${id}` : nameOf(means, known);
  means.panels.show("run", {
    title,
    fill: async () => {
      const series = await means.session.command(Commands.series, { root, run: id });
      return { body: runPage(id, series, title) };
    },
    goesOn: () =>
      means.desk.boards.board?.runs.some((run) => run.id === id && isLive(run)) ?? false,
    act: (act, of) => pressed(means, root, act, of),
  });
}

/** A button of a page was pressed that leads to another thing. */
function pressed(means: Means, root: string, act: string, id: string): void {
  const known = means.desk.boards.board?.runs.find((run) => run.id === id);
  if (act === "receipt") {
    showReceipt(means, root, id);
  } else if (act === "chart") {
    showRun(means, root, id);
  } else if (act === "log") {
    const title = known === undefined ? id : nameOf(means, known);
    void means.desk.attempt("runs", () => means.documents.showLog(root, id, title));
  } else if (act === "report") {
    void means.desk.attempt("campaign", async () => report(means));
  }
}

// ------------------------------------------------------------------ the campaign

function campaignChart(means: Means): void {
  const root = rootOf(means);
  means.panels.show("metrics", {
    title: "AutoSOTA Metrics",
    fill: () => {
      const { board, campaign } = means.desk.boards;
      if (board === undefined) {
        return Promise.reject(new Error("nothing is known of this workspace yet"));
      }
      return Promise.resolve({ body: campaignPage(board, campaign) });
    },
    act: (act, id) => pressed(means, root, act, id),
  });
}

function report(means: Means): void {
  const root = rootOf(means);
  const local = vscode.env.remoteName === undefined;
  let file = "";
  means.panels.show("report", {
    title: "AutoSOTA Report",
    waiting: "The report is being written…",
    fill: async () => {
      const done = await means.session.command(Commands.report, { root });
      file = done.path;
      if (!file) {
        return { body: reportPage("", local), report: sorry(done.said || "no report was written") };
      }
      const bytes = await vscode.workspace.fs.readFile(vscode.Uri.file(file));
      const text = new TextDecoder().decode(bytes);
      return { body: reportPage(file, local), report: sanitised(text) };
    },
    act: (act) => {
      if (act === "outside" && file) {
        void vscode.env.openExternal(vscode.Uri.file(file));
      }
    },
  });
}

async function look(means: Means, given: unknown): Promise<void> {
  const { boards } = means.desk;
  const subject = (given as Row | undefined)?.subject;
  if (subject?.kind === "campaign") {
    boards.look(rootOf(means), subject.id);
    return;
  }
  const items = (boards.board?.campaigns ?? []).map((one) => ({
    label: one.id,
    description: dotted(words(one.verdict || one.state), moment(one.started)),
    detail: one.headline,
    id: one.id,
  }));
  const chosen = await choose(items, "Show which campaign?", "there is no campaign yet");
  boards.look(rootOf(means), chosen.id);
}

async function copyId(means: Means, given: unknown): Promise<void> {
  const subject = (given as Row | undefined)?.subject;
  let id: string;
  if (subject?.kind === "run") {
    id = subject.run.id;
  } else if (subject?.kind === "campaign") {
    id = subject.id;
  } else {
    id = (await anIdea(means, given, "Copy the id of which idea?")).id;
  }
  await vscode.env.clipboard.writeText(id);
  void vscode.window.setStatusBarMessage(`$(check) ${id} is in the clipboard`, 4000);
}

// ------------------------------------------------------------------ which one is meant

function rootOf({ desk }: Means): string {
  if (desk.root === undefined) {
    throw new Error("no workspace is open that the server knows");
  }
  return desk.root;
}

/** The idea of a row; else the one that the user chooses. */
async function anIdea(
  { desk }: Means,
  given: unknown,
  question: string,
  fits: (idea: IdeaRow) => boolean = () => true,
): Promise<IdeaRow> {
  const subject = (given as Row | undefined)?.subject;
  if (subject?.kind === "idea") {
    return subject.idea;
  }
  const items = (desk.boards.board?.ideas ?? []).filter(fits).map((idea) => ({
    label: idea.title,
    description: dotted(idea.gain, idea.words),
    detail: dotted(placeOf(idea), idea.granularity.toLowerCase(), idea.paper),
    idea,
  }));
  return (await choose(items, question, "there is no such idea yet")).idea;
}

async function aRun(
  { desk }: Means,
  given: unknown,
  question: string,
  fits: (run: RunRow) => boolean = () => true,
): Promise<RunRow> {
  const subject = (given as Row | undefined)?.subject;
  if (subject?.kind === "run") {
    return subject.run;
  }
  const { board } = desk.boards;
  const titles = new Map(board?.ideas.map((idea) => [idea.id, idea.title]));
  const items = (board?.runs ?? []).filter(fits).map((run) => ({
    label: sideOf(run, titles),
    description: dotted(`${run.purpose}, seed ${run.seed}`, words(run.state)),
    detail: dotted(run.value && `${run.metric} ${run.value}`, moment(run.began), run.id),
    run,
  }));
  return (await choose(items, question, "there is no such run yet")).run;
}

async function choose<T extends vscode.QuickPickItem>(
  items: readonly T[],
  title: string,
  none: string,
): Promise<T> {
  if (items.length === 0) {
    throw new Error(none);
  }
  const options = { title, matchOnDescription: true, matchOnDetail: true };
  const chosen = await vscode.window.showQuickPick(items, options);
  if (chosen === undefined) {
    throw new vscode.CancellationError();
  }
  return chosen;
}

/** `Baseline, seed 3`: what a run is called in titles. */
function nameOf({ desk }: Means, run: RunRow): string {
  const titles = new Map(desk.boards.board?.ideas.map((idea) => [idea.id, idea.title]));
  return `${sideOf(run, titles)}, seed ${run.seed}`;
}
