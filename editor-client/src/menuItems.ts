// What the status bar's menu offers: a pure function of what is known.

import type { Progress } from "./protocol";
import type { ServerState } from "./session";
import { campaignLine, MODE_ICONS, MODE_WORDS, modeOf, MODES, type Mode } from "./statusText";

export interface MenuItem {
  /** A codicon's name; none for a heading. */
  readonly icon: string;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly command: string;
  readonly argument?: unknown;
  /** A line over the items that follow. */
  readonly heading?: boolean;
  /** What the menu begins with. */
  readonly active?: boolean;
}

export interface MenuKnown {
  readonly state: ServerState;
  readonly trusted: boolean;
  readonly progress: Progress | undefined;
}

export function menuItems(known: MenuKnown): MenuItem[] {
  const items: MenuItem[] = [];
  const { progress } = known;
  if (known.state === "missing") {
    items.push(
      item("add", "Create an Environment", "autosota.createEnvironment", "with AutoSOTA in it"),
      item("folder-opened", "Choose an Interpreter", "autosota.chooseInterpreter", ""),
    );
  } else if (known.state === "ready" && !known.trusted) {
    const why = "Warnings only: nothing is proposed or run before you trust it";
    items.push(item("shield", "Manage Workspace Trust", "workbench.trust.manage", "", why));
  } else if (known.state === "ready" && progress !== undefined) {
    items.push(...modes(progress), ...campaign(progress));
  }
  items.push(
    heading("Language server"),
    item("output", "Show Log", "autosota.showLog", ""),
    item("refresh", "Restart Language Server", "autosota.restart", ""),
    item("gear", "Open Settings", "workbench.action.openSettings", "", "", "@ext:autosota.autosota"),
  );
  return items;
}

/** The modes; what the objective does not allow is there, and says so when it is chosen. */
function modes(progress: Progress): MenuItem[] {
  const now = modeOf(progress.autonomy);
  const ceiling = MODES.indexOf(modeOf(progress.autonomy_ceiling));
  return [
    heading("Autonomy"),
    ...MODES.map((mode, n) => ({
      ...item(MODE_ICONS[mode], capital(mode), "autosota.setAutonomy", mode === now ? "now" : ""),
      detail: n > ceiling ? notAllowed(mode, progress) : capital(MODE_WORDS[mode]),
      argument: { mode, root: progress.root },
      active: mode === now,
    })),
  ];
}

function notAllowed(mode: Mode, progress: Progress): string {
  return progress.has_objective
    ? `The objective allows at most ${progress.autonomy_ceiling} (autonomy.mode in autosota.toml)`
    : `${capital(mode)} needs an objective: autosota.toml says what counts and what it may cost`;
}

function campaign(progress: Progress): MenuItem[] {
  const root = { root: progress.root };
  const items = [heading("Campaign")];
  if (progress.state === "running") {
    const doing = progress.doing ? `${campaignLine(progress)}: ${progress.doing}` : campaignLine(progress);
    items.push(
      { ...item("debug-stop", "Stop", "autosota.stop", "", capital(doing)), argument: root },
      { ...item("graph", "Show Campaign", "autosota.view.campaign", ""), argument: root },
    );
  } else if (progress.has_objective) {
    const words = progress.may_spend ? `at most ${progress.may_spend}` : "";
    const start = (label: string, ideas?: number, icon = "play"): MenuItem => ({
      ...item(icon, label, "autosota.start", ideas === undefined ? words : ""),
      argument: ideas === undefined ? root : { ...root, ideas },
    });
    if (progress.state === "stopped" || progress.state === "idle") {
      const label = `Resume ${progress.campaign}`;
      items.push({ ...item("debug-continue", label, "autosota.resume", ""), argument: root });
    }
    items.push(
      start("Start Campaign"),
      start("Run Baseline", 0, "beaker"),
      start("Try 3 Ideas", 3, "lightbulb"),
    );
  } else {
    const detail = "Reads the repository and proposes autosota.toml for you to check";
    items.push({ ...item("target", "Set Up an Objective", "autosota.setUp", "", detail), argument: root });
  }
  if (progress.campaign) {
    items.push(item("book", "Show Report", "autosota.campaign.report", ""));
  }
  return items;
}

function item(
  icon: string,
  label: string,
  command: string,
  description: string,
  detail = "",
  argument?: unknown,
): MenuItem {
  const base = { icon, label, command, description, detail };
  return argument === undefined ? base : { ...base, argument };
}

function heading(label: string): MenuItem {
  return { icon: "", label, command: "", description: "", detail: "", heading: true };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
