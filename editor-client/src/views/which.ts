// Which idea, run or campaign a command means: that of its row, else the one that the user chooses.

import * as vscode from "vscode";
import type { IdeaRow, RunRow } from "../protocol";
import type { Session } from "../session";
import type { Desk } from "./desk";
import type { Documents } from "./documents";
import { placeOf } from "./ideas";
import type { Panels } from "./panels";
import { dotted, moment, type Row, words } from "./rows";
import { sideOf } from "./runs";

/** What every command may use. */
export interface Means {
  readonly session: Session;
  readonly desk: Desk;
  readonly documents: Documents;
  readonly panels: Panels;
}

export function rootOf({ desk }: Means): string {
  if (desk.root === undefined) {
    throw new Error("no workspace is open that the server knows");
  }
  return desk.root;
}

/** The idea of a row; else the one that the user chooses. */
export async function anIdea(
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

export async function aRun(
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

export async function choose<T extends vscode.QuickPickItem>(
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
export function nameOf({ desk }: Means, run: RunRow): string {
  const titles = new Map(desk.boards.board?.ideas.map((idea) => [idea.id, idea.title]));
  return `${sideOf(run, titles)}, seed ${run.seed}`;
}
