// The campaign as rows: how far it is, what the objective asks for, what was tried before.

import type { Board, CampaignRow, Progress, RubricNode } from "../protocol";
import {
  capital,
  count,
  dollars,
  dotted,
  duration,
  type Icon,
  ICONS,
  moment,
  type Row,
  said,
  words,
} from "./rows";

/** The rows of the campaign's view; `shown` is an older campaign that is looked at, '' for none. */
export function campaignRows(board: Board, shown = ""): Row[] {
  const older = board.campaigns.find((one) => shown !== "" && one.id === shown);
  const first = older === undefined ? progressRow(board.progress, board.goal.detail) : olderRow(older);
  const rows = [first, ...goalRows(board.goal)];
  const others = board.campaigns.filter((one) => one.id !== (shown || board.progress.campaign));
  if (others.length > 0) {
    rows.push(earlier(others));
  }
  return rows;
}

/** `12 of 30 runs · 4 min of 2 h · $0.12 of $5.00`; what is not limited has no "of". */
export function spent(progress: Progress): string {
  return spentParts(progress).join(" · ");
}

function spentParts(progress: Progress): string[] {
  const parts = [];
  if (progress.budget_evaluations > 0) {
    parts.push(`${progress.evaluations} of ${count(progress.budget_evaluations, "run")}`);
  } else if (progress.evaluations > 0) {
    parts.push(count(progress.evaluations, "run"));
  }
  const wall = duration(progress.wall_seconds);
  if (progress.budget_wall_seconds > 0) {
    parts.push(`${wall} of ${duration(progress.budget_wall_seconds)}`);
  } else if (progress.wall_seconds > 0) {
    parts.push(wall);
  }
  if (progress.dollars !== null && (progress.dollars > 0 || progress.budget_dollars !== null)) {
    const limit = progress.budget_dollars;
    parts.push(dollars(progress.dollars) + (limit === null ? "" : ` of ${dollars(limit)}`));
  }
  return parts;
}

/** `running`, `stopped`, or how it ended. */
export function standing(progress: { readonly state: string; readonly verdict: string }): string {
  if (progress.state === "finished" && progress.verdict) {
    return words(progress.verdict);
  }
  return progress.state === "idle" ? "interrupted" : progress.state;
}

/** `known`: what the row below says already. */
function progressRow(progress: Progress, known: string): Row {
  if (progress.state === "none" || !progress.campaign) {
    const price = progress.may_spend ? `may spend ${progress.may_spend}` : "";
    return {
      id: "progress",
      label: "No campaign yet",
      description: price,
      icon: ICONS.none,
      context: "progress",
      spoken: said("No campaign yet", price),
      tooltip: progress.note || "Start one from the title of this view.",
    };
  }
  const how = standing(progress);
  const ideas = `${progress.ideas_tried} of ${count(progress.ideas, "idea")} tried`;
  const details: Row[] = [];
  if (progress.state === "running" && progress.doing) {
    details.push(line("doing", capital(progress.doing), { name: "arrow-right" }));
  }
  if (progress.headline && progress.headline !== known) {
    details.push(line("headline", progress.headline, { name: "quote" }));
  }
  if (progress.ideas > 0) {
    details.push(line("tried", capital(ideas), ICONS.idea));
  }
  if (progress.note) {
    details.push(line("note", progress.note, { name: "info" }));
  }
  return {
    id: `progress/${progress.campaign}`, // not that of the row before: that one was no branch
    label: `${progress.campaign}: ${how}`,
    description: spent(progress),
    icon: iconOf(progress.state, progress.verdict),
    context: ["confirmed", "provisional"].includes(progress.verdict) ? "progress kept" : "progress",
    spoken: said(`Campaign ${progress.campaign}`, how, ...spentParts(progress), progress.doing),
    tooltip: [progress.headline, spent(progress), ideas, progress.note].filter(Boolean).join("\n"),
    ...(details.length > 0 ? { children: () => details, open: true } : {}),
  };
}

/** A campaign that is not the newest: what it was, not what goes on. */
function olderRow(campaign: CampaignRow): Row {
  return { ...campaignRow(campaign), id: `older/${campaign.id}`, context: "older" };
}

function line(id: string, label: string, icon: Icon): Row {
  return { id: `progress//${id}`, label, icon, spoken: label, tooltip: label };
}

function iconOf(state: string, verdict: string): Icon {
  if (state === "running") {
    return ICONS.running;
  }
  if (state !== "finished") {
    return state === "none" ? ICONS.none : ICONS.stopped;
  }
  const icons: Record<string, Icon> = {
    confirmed: ICONS.confirmed,
    provisional: ICONS.provisional,
    no_gain: ICONS.noise,
    not_reproduced: ICONS.failed,
    failed: ICONS.failed,
    stopped: ICONS.stopped,
  };
  return icons[verdict] ?? ICONS.unknown;
}

const STATES = {
  passed: "passed",
  failed: "failed",
  open: "open",
  capped: "held, with a limit",
} as const;

function goalRows(goal: RubricNode): Row[] {
  return goal.title || goal.children.length > 0 ? [goalRow(goal, "goal", true)] : [];
}

function goalRow(node: RubricNode, path: string, open: boolean): Row {
  const id = `${path}/${node.id}`;
  const children = node.children;
  const tally = children.length > 0 ? tallied(children) : "";
  const receipts = node.receipts;
  return {
    id,
    label: capital(node.title),
    description: node.detail || tally,
    icon: ICONS[node.state],
    context: receipts.length > 0 ? "goal receipts" : "goal",
    spoken: said(node.title, STATES[node.state], node.detail, tally),
    tooltip: `${STATES[node.state]}: ${node.title}${node.detail ? `\n${node.detail}` : ""}`,
    ...(receipts.length > 0
      ? {
          subject: { kind: "receipts", receipts, of: node.title } as const,
          click: { command: "autosota.runs.receipt", title: "Show Receipt" },
        }
      : {}),
    ...(children.length > 0
      ? { children: () => children.map((child) => goalRow(child, id, false)), open }
      : {}),
  };
}

/** `3 passed, 1 open`. */
function tallied(nodes: readonly RubricNode[]): string {
  const parts = [];
  for (const state of ["failed", "capped", "passed", "open"] as const) {
    const number = nodes.filter((node) => node.state === state).length;
    if (number > 0) {
      parts.push(`${number} ${state === "capped" ? "limited" : state}`);
    }
  }
  return parts.join(", ");
}

function earlier(campaigns: readonly CampaignRow[]): Row {
  return {
    id: "earlier",
    label: "Other campaigns",
    description: String(campaigns.length),
    icon: { name: "history" },
    spoken: said("Other campaigns", String(campaigns.length)),
    children: () => campaigns.map(campaignRow),
    open: false,
  };
}

function campaignRow(campaign: CampaignRow): Row {
  const how = standing(campaign);
  return {
    id: `earlier/${campaign.id}`,
    label: `${campaign.id}: ${how}`,
    description: moment(campaign.started),
    icon: iconOf(campaign.state, campaign.verdict),
    context: "campaign",
    spoken: said(`Campaign ${campaign.id}`, how, moment(campaign.started), campaign.headline),
    tooltip: dotted(campaign.headline || how, moment(campaign.started)),
    subject: { kind: "campaign", id: campaign.id },
    click: { command: "autosota.campaign.look", title: "Show This Campaign" },
  };
}
