// Ideas as rows: by what became of them, each with the audit's verdict and what was measured.

import type { IdeaRow } from "../protocol";
import { type Filter, GROUPS, type Group, groupOf, matches } from "./filter";
import { capital, count, dotted, type Icon, ICONS, type Row, said, words } from "./rows";

/** Ideas of a place in the code, shown above the others. */
export interface Place {
  readonly title: string;
  readonly ideas: readonly IdeaRow[];
}

/** The rows of the ideas' view. */
export function ideaRows(ideas: readonly IdeaRow[], filter: Filter, place?: Place): Row[] {
  if (place !== undefined) {
    const found = place.ideas.filter((idea) => matches(idea, filter));
    return [groupRow({ tag: "place", title: place.title, open: true, fates: [] }, found)];
  }
  const found = new Map<string, IdeaRow[]>();
  for (const idea of ideas) {
    if (matches(idea, filter)) {
      const tag = groupOf(idea.fate).tag;
      const group = found.get(tag);
      group === undefined ? found.set(tag, [idea]) : group.push(idea);
    }
  }
  return GROUPS.filter((group) => found.has(group.tag)).map((group) =>
    groupRow(group, found.get(group.tag) ?? []),
  );
}

function groupRow(group: Group, ideas: readonly IdeaRow[]): Row {
  return {
    id: group.tag,
    label: group.title,
    description: String(ideas.length),
    spoken: said(group.title, count(ideas.length, "idea")),
    context: "group",
    children: () => ideas.map((idea) => ideaRow(idea, group.tag)),
    open: group.open,
  };
}

/** What one row says of an idea beside its title; its group says what all in it have in common. */
function summary(idea: IdeaRow): string {
  const fate = groupOf(idea.fate).fates.length > 1 && idea.fate !== "waiting" ? idea.words : "";
  return dotted(fate, auditWords(idea, "audit: "), placeOf(idea));
}

/** `train.py:41`; '' for none. */
export function placeOf(idea: IdeaRow): string {
  return idea.path && idea.line > 0 ? `${idea.path}:${idea.line}` : idea.path;
}

function ideaRow(idea: IdeaRow, group: string): Row {
  const can = ["idea"];
  can.push(idea.patch ? "patch" : "nopatch");
  if (idea.badge !== "rejected" && idea.verdict !== "rejected" && idea.patch) {
    can.push("appliable");
  }
  if (!["refused", "rejected", "inadmissible", "confirmed"].includes(idea.fate)) {
    can.push("refusable");
  }
  if (idea.receipts.length > 0) {
    can.push("receipts");
  }
  if (idea.path) {
    can.push("placed");
  }
  const audit = auditWords(idea, "audit ");
  return {
    id: `${group}/${idea.id}`,
    label: dotted(idea.gain, idea.title), // first what a narrow list must not cut off
    description: summary(idea),
    icon: badgeIcon(idea),
    context: can.join(" "),
    spoken: said(
      idea.title,
      idea.gain,
      idea.words,
      audit,
      granularity(idea),
      placeOf(idea),
      idea.patch ? "Enter shows the diff" : "Enter shows its place",
    ),
    tooltip: tooltip(idea),
    subject: { kind: "idea", idea },
    click: { command: "autosota.ideas.open", title: idea.patch ? "Show Diff" : "Show" },
    children: () => detailRows(idea, `${group}/${idea.id}`),
    open: false,
  };
}

function badgeIcon(idea: IdeaRow): Icon {
  if (idea.fate === "trying") {
    return ICONS.running;
  }
  return idea.badge ? ICONS[idea.badge] : ICONS.idea;
}

function auditWords(idea: IdeaRow, before: string): string {
  return idea.verdict ? before + words(idea.verdict) : "";
}

function granularity(idea: IdeaRow): string {
  return idea.granularity.toLowerCase();
}

function tooltip(idea: IdeaRow): string {
  const rows = [idea.title, dotted(granularity(idea), idea.paper)];
  rows.push(capital(said(idea.words, idea.detail)));
  rows.push(idea.why && `Because: ${idea.why}`);
  rows.push(idea.reason && `Here: ${idea.reason}`);
  rows.push(idea.expected && `Expected: ${idea.expected}`);
  rows.push(auditWords(idea, "Audit: "));
  return rows.filter(Boolean).join("\n");
}

/** The rows below an idea: all that is known of it. */
function detailRows(idea: IdeaRow, path: string): Row[] {
  const rows: Row[] = [];
  const add = (id: string, label: string, icon: Icon, more: Partial<Row> = {}) => {
    if (label) {
      const row = { id: `${path}/${id}`, label, icon, spoken: said(label, more.description) };
      rows.push({ ...row, tooltip: label, ...more });
    }
  };
  if (idea.verdict) {
    const icon = { cleared: ICONS.passed, needs_review: ICONS.capped, rejected: ICONS.rejected };
    const found = idea.findings;
    const spoken = said(`Audit: ${words(idea.verdict)}`, count(found.length, "finding"));
    add("audit", `Audit: ${words(idea.verdict)}`, icon[idea.verdict], {
      spoken,
      ...(found.length > 0
        ? {
            description: count(found.length, "finding"),
            children: () =>
              found.map((text, index) => ({
                id: `${path}/audit/${index}`,
                label: text,
                icon: { name: "note" },
                spoken: text,
                tooltip: text,
              })),
            open: idea.verdict !== "cleared",
          }
        : {}),
    });
  }
  const measured = idea.receipts.length > 0;
  add("detail", idea.detail, { name: "graph" }, {
    description: measured ? count(idea.receipts.length, "run") : "",
    ...(measured
      ? {
          context: "receipts",
          subject: { kind: "receipts", receipts: idea.receipts, of: idea.title } as const,
          click: { command: "autosota.runs.receipt", title: "Show Receipt" },
        }
      : {}),
  });
  add("why", capital(idea.why), { name: "comment" }, { description: idea.words });
  add("place", placeOf(idea), { name: "go-to-file" }, {
    description: idea.symbol,
    context: "idea placed",
    subject: { kind: "idea", idea },
    click: { command: "autosota.ideas.place", title: "Open in Code" },
  });
  add("reason", capital(idea.reason), { name: "target" }, { description: "here" });
  add("paper", idea.paper, { name: "book" }, { description: granularity(idea) });
  add("expected", capital(idea.expected), { name: "telescope" }, { description: "expected" });
  if (idea.risk || idea.cost > 0) {
    const cost = idea.cost > 0 ? `time per run × ${Number(idea.cost.toFixed(2))}` : "";
    add("risk", `Risk ${idea.risk.toLowerCase()}`, { name: "shield" }, { description: cost });
  }
  return rows;
}

/** All of an idea as Markdown, for one that has no patch to show. */
export function ideaText(idea: IdeaRow): string {
  const rows: [string, string][] = [
    ["Became", said(idea.words, idea.detail)],
    ["Because", idea.why],
    ["Where", dotted(placeOf(idea), idea.symbol)],
    ["Here", idea.reason],
    ["Paper", idea.paper],
    ["Expected", idea.expected],
    ["Depth", granularity(idea)],
    ["Risk", idea.risk.toLowerCase()],
    ["Audit", auditWords(idea, "")],
    ["Id", idea.id],
  ];
  const lines = rows.filter(([, text]) => text).map(([name, text]) => `- ${name}: ${plain(text)}`);
  const findings = idea.findings.map((text) => `- ${plain(text)}`);
  const more = findings.length > 0 ? ["", "## Findings of the audit", "", ...findings] : [];
  return [`# ${plain(idea.title)}`, "", ...lines, ...more, ""].join("\n");
}

/** Text that Markdown takes as it is. */
export function plain(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>()#!|~&]/g, "\\$&");
}
