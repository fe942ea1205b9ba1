// Runs as rows: what is going on first, then by what was run, newest first.

import type { IdeaRow, RunRow } from "../protocol";
import { count, dotted, duration, type Icon, ICONS, moment, type Row, said, words } from "./rows";

/** The rows of the runs' view. */
export function runRows(runs: readonly RunRow[], ideas: readonly IdeaRow[]): Row[] {
  const titles = new Map(ideas.map((idea) => [idea.id, idea.title]));
  const rows: Row[] = [];
  const live = runs.filter(isLive);
  if (live.length > 0) {
    rows.push({
      id: "live",
      label: "Running now",
      description: String(live.length),
      icon: ICONS.running,
      spoken: said("Running now", count(live.length, "run")),
      children: () => live.map((run) => runRow(run, "live", sideOf(run, titles))),
      open: true,
    });
  }
  for (const [side, group] of grouped(runs)) {
    rows.push(groupRow(side, group, titles));
  }
  return rows;
}

/** Runs by what was run, in the order in which each came last. */
export function grouped(runs: readonly RunRow[]): Map<string, RunRow[]> {
  const found = new Map<string, RunRow[]>();
  for (const run of runs) {
    const key = run.idea || run.side;
    const group = found.get(key);
    group === undefined ? found.set(key, [run]) : group.push(run);
  }
  return found;
}

export function isLive(run: RunRow): boolean {
  return run.state === "running";
}

/** What a run ran, in words. */
export function sideOf(run: RunRow, titles: ReadonlyMap<string, string>): string {
  if (run.side === "baseline") {
    return "Baseline";
  }
  return titles.get(run.idea) ?? `Patch ${run.patch || run.side}`;
}

function groupRow(
  side: string,
  runs: readonly RunRow[],
  titles: ReadonlyMap<string, string>,
): Row {
  const first = runs[0];
  const label = first === undefined ? side : sideOf(first, titles);
  const failed = runs.filter((run) => run.state !== "finished" && !isLive(run)).length;
  const tally = dotted(count(runs.length, "run"), failed > 0 ? `${failed} did not finish` : "");
  return {
    id: `of/${side}`,
    label,
    description: tally,
    icon: { name: side === "baseline" ? "home" : "lightbulb" },
    spoken: said(label, tally),
    tooltip: label,
    children: () => runs.map((run) => runRow(run, `of/${side}`, "")),
    open: false,
  };
}

function runRow(run: RunRow, path: string, side: string): Row {
  const value = run.value ? `${run.metric} ${run.value}` : "";
  const state = run.state === "finished" ? "" : words(run.state);
  const took = run.wall_seconds === null ? "" : duration(run.wall_seconds);
  const since = isLive(run) && run.began ? `since ${moment(run.began).slice(-5)}` : "";
  const note = run.value ? "" : run.note;
  const can = ["run"];
  if (run.log) {
    can.push("log");
  }
  if (run.receipt) {
    can.push("receipts");
  }
  const label = `${run.purpose}, seed ${run.seed}`;
  const rows = [
    dotted(side || label, side ? label : ""),
    said(words(run.state), note),
    dotted(value, run.isolation),
    dotted(run.began && `began ${moment(run.began)}`, took && `took ${took}`),
    run.id,
  ];
  return {
    id: `${path}/${run.id}`,
    label: side || label,
    description: dotted(side ? label : "", value, state, note, took || since, run.isolation),
    icon: stateIcon(run.state),
    context: can.join(" "),
    spoken: said(side, label, words(run.state), value, note, took, run.isolation),
    tooltip: rows.filter(Boolean).join("\n"),
    subject: { kind: "run", run },
    click: { command: "autosota.runs.open", title: isLive(run) ? "Show Log" : "Show Receipt" },
  };
}

function stateIcon(state: string): Icon {
  const icons: Record<string, Icon> = {
    running: ICONS.running,
    finished: ICONS.passed,
    pruned: ICONS.pruned,
    stopped: ICONS.stopped,
    timeout: ICONS.timeout,
    too_slow: ICONS.timeout,
  };
  return icons[state] ?? ICONS.failed;
}
