// What can be done in the views. Each command may be called on a row, or from the palette, where
// it asks which one is meant. The server decides; here it is asked, and its answer shown.

import * as vscode from "vscode";
import { Commands, type ShowIdeas, type ShowReceipt } from "../protocol";
import { VIEWS, type ViewName } from "./desk";
import { EVERYTHING } from "./filter";
import {
  apply,
  bestDiff,
  bringIn,
  details,
  diff,
  filter,
  openIdea,
  reject,
  toPlace,
} from "./ideaCommands";
import { campaignPage, receiptPage, reportPage, runPage } from "./pages";
import { dotted, moment, type Row, words } from "./rows";
import { isLive } from "./runs";
import { sanitised, sorry } from "./sanitise";
import { anIdea, aRun, choose, type Means, nameOf, rootOf } from "./which";

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
