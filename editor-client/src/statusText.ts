// What the status bar's item says: a pure function of what is known. Text for the eye, a label
// for the ear, a tooltip with the details.

import type { Progress } from "./protocol";
import type { ServerState } from "./session";
import { count, dollars, dotted, duration, said } from "./views/rows";

export type Mode = "off" | "suggest" | "autonomous";
export const MODES: readonly Mode[] = ["off", "suggest", "autonomous"];

export const MODE_ICONS: Readonly<Record<Mode, string>> = {
  off: "circle-slash",
  suggest: "lightbulb",
  autonomous: "rocket",
};

export const MODE_WORDS: Readonly<Record<Mode, string>> = {
  off: "nothing is proposed or run",
  suggest: "ideas are offered; you start every run",
  autonomous: "campaigns run within the objective's budget without asking again",
};

export interface Shown {
  readonly text: string;
  /** Markdown. */
  readonly tooltip: string;
  /** Read out instead of the text. */
  readonly label: string;
  readonly color: "plain" | "warning" | "error";
}

export interface Known {
  readonly state: ServerState;
  readonly trusted: boolean;
  /** Of the active workspace. */
  readonly progress: Progress | undefined;
  /** Workspaces other than the active one whose campaigns are running. */
  readonly alsoRunning: number;
}

const NAME = "AutoSOTA";

/** What the item shows. */
export function statusText(known: Known): Shown {
  const waiting = ofServer(known);
  if (waiting !== undefined) return waiting;
  if (!known.trusted) {
    const text = "warnings only: this workspace is not trusted";
    return shown("shield", `${NAME}: warnings only`, text, "plain");
  }
  const progress = known.progress;
  if (progress === undefined) return shown("beaker", NAME, "no workspace is known yet", "plain");
  const mode = modeOf(progress.autonomy);
  const spent = progress.state === "running" ? spending(progress) : [];
  const icon = progress.state === "running" ? "sync~spin" : MODE_ICONS[mode];
  return {
    text: `$(${icon}) ${NAME}: ${dotted(mode, ...spent)}`,
    tooltip: tooltip(progress, mode, known.alsoRunning),
    label: said(
      `${NAME}, autonomy ${mode}`,
      campaignLine(progress),
      ...spent,
      known.alsoRunning > 0 ? `${known.alsoRunning} more running elsewhere` : "",
    ),
    color: "plain",
  };
}

/** `12/40 runs`, `$1.20 of $5.00`, `35 min of 2 h`: what there is, what is limited with its limit. */
export function spending(progress: Progress): string[] {
  const parts: string[] = [];
  const limit = progress.budget_evaluations;
  parts.push(limit > 0 ? `${progress.evaluations}/${limit} runs` : count(progress.evaluations, "run"));
  if (progress.dollars !== null) {
    parts.push(of(dollars(progress.dollars), known(progress.budget_dollars, dollars)));
  }
  if (progress.wall_seconds > 0) {
    parts.push(of(duration(progress.wall_seconds), known(progress.budget_wall_seconds, duration)));
  }
  return parts;
}

/** Any text of the protocol as one of the modes; what is unknown counts as the most careful. */
export function modeOf(text: string): Mode {
  return MODES.find((mode) => mode === text) ?? "off";
}

/** How a campaign stands, in a few words; `""` when there is none. */
export function campaignLine(progress: Progress): string {
  if (progress.state === "none" || !progress.campaign) return "";
  const states: Record<string, string> = {
    running: "is running",
    stopped: "was stopped",
    finished: "has finished",
    idle: "is interrupted",
  };
  return `campaign ${progress.campaign} ${states[progress.state] ?? progress.state}`;
}

function tooltip(progress: Progress, mode: Mode, alsoRunning: number): string {
  const rows = [`**${NAME}** · ${mode}: ${MODE_WORDS[mode]}`];
  const campaign = campaignLine(progress);
  if (campaign) rows.push(plain(campaign + (progress.doing ? `: ${progress.doing}` : "")));
  if (progress.state !== "none") {
    const tried = `${progress.ideas_tried} of ${count(progress.ideas, "idea")} tried`;
    rows.push(plain(dotted(...spending(progress), progress.ideas > 0 ? tried : "")));
  }
  if (progress.headline) rows.push(plain(progress.headline));
  if (!progress.has_objective) rows.push("There is no objective yet; `autosota.toml` says what counts.");
  if (progress.note) rows.push(plain(progress.note));
  if (alsoRunning > 0) rows.push(`${count(alsoRunning, "campaign")} more in other folders`);
  rows.push(plain(progress.root));
  return rows.join("\n\n");
}

function ofServer(known: Known): Shown | undefined {
  switch (known.state) {
    case "starting":
      return shown("loading~spin", NAME, "the language server is starting", "plain");
    case "waiting":
      return shown("loading~spin", NAME, "the language server ended and is started again", "warning");
    case "failed":
      return shown("error", NAME, "the language server ended too often and was given up", "error");
    case "missing":
      return shown("warning", NAME, "no Python here has AutoSOTA installed", "warning");
    case "stopped":
      return shown("circle-outline", NAME, "the language server is not running", "plain");
    case "ready":
      return undefined;
  }
}

function shown(icon: string, text: string, words: string, color: Shown["color"]): Shown {
  return { text: `$(${icon}) ${text}`, tooltip: `**${NAME}**: ${words}`, label: `${NAME}, ${words}`, color };
}

function known(limit: number | null, words: (limit: number) => string): string {
  return limit !== null && limit > 0 ? words(limit) : "";
}

function of(spent: string, limit: string): string {
  return limit ? `${spent} of ${limit}` : spent;
}

/** Text that says nothing in Markdown. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, "\\$&").replace(/\s*\n\s*/g, " ");
}
