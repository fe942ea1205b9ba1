// Which ideas a list shows: words, and tags as in `dropout @param @confirmed`. A tag that is not
// finished yet counts as what it may become, so that a list does not go blank while one types.

import type { IdeaRow } from "../protocol";

/** Groups of fates, in the order of the list. `tag` is what a filter calls one. */
export const GROUPS = [
  { tag: "confirmed", title: "Confirmed", open: true, fates: ["confirmed"] },
  { tag: "provisional", title: "Passed the screening", open: true, fates: ["provisional"] },
  { tag: "trying", title: "Being tried", open: true, fates: ["trying"] },
  { tag: "untried", title: "Not tried yet", open: true, fates: ["waiting", "again"] },
  {
    tag: "nogain",
    title: "No gain",
    open: false,
    fates: ["noise", "same", "worse", "not_confirmed", "dropped"],
  },
  { tag: "failed", title: "Did not run", open: false, fates: ["guarded", "too_slow", "failed"] },
  {
    tag: "out",
    title: "Refused or not applicable",
    open: false,
    fates: ["rejected", "refused", "inadmissible", "not_applicable", "superseded"],
  },
] as const satisfies readonly Group[];

export interface Group {
  readonly tag: string;
  readonly title: string;
  readonly open: boolean;
  readonly fates: readonly string[];
}

export const GRANULARITIES = [
  { tag: "param", name: "PARAM", title: "Settings" },
  { tag: "code", name: "CODE", title: "Code" },
  { tag: "algo", name: "ALGO", title: "Algorithm" },
] as const;

/** What is looked for. Nothing in it: everything is shown. */
export interface Filter {
  readonly text: string;
  readonly granularities: readonly string[];
  /** Tags of groups. */
  readonly groups: readonly string[];
}

export const EVERYTHING: Filter = { text: "", granularities: [], groups: [] };

/** The group of a fate; one that is not known is with those that were not tried. */
export function groupOf(fate: string): Group {
  const found = GROUPS.find((group) => (group.fates as readonly string[]).includes(fate));
  return found ?? GROUPS[3];
}

/** Read a filter as one types it. */
export function parse(typed: string): Filter {
  const text: string[] = [];
  const granularities = new Set<string>();
  const groups = new Set<string>();
  for (const word of typed.split(/\s+/).filter(Boolean)) {
    const tag = word.startsWith("@") ? word.slice(1).toLowerCase() : undefined;
    if (tag === undefined) {
      text.push(word);
      continue;
    }
    const kinds = GRANULARITIES.filter((one) => one.tag.startsWith(tag));
    const fates = GROUPS.filter((one) => one.tag.startsWith(tag));
    if (tag && kinds.length + fates.length === 0) {
      text.push(word);
    } else if (tag) {
      kinds.forEach((one) => granularities.add(one.name));
      fates.forEach((one) => groups.add(one.tag));
    }
  }
  return { text: text.join(" "), granularities: [...granularities], groups: [...groups] };
}

/** A filter as one would type it; `parse` gives the same filter back. */
export function written(filter: Filter): string {
  const kinds = GRANULARITIES.filter((one) => filter.granularities.includes(one.name));
  const groups = GROUPS.filter((one) => filter.groups.includes(one.tag));
  return [filter.text, ...[...kinds, ...groups].map((one) => `@${one.tag}`)]
    .filter(Boolean)
    .join(" ");
}

export function isEverything(filter: Filter): boolean {
  return !filter.text && filter.granularities.length === 0 && filter.groups.length === 0;
}

/** Whether an idea is among what is looked for: every word somewhere in it, and its tags. */
export function matches(idea: IdeaRow, filter: Filter): boolean {
  if (filter.granularities.length > 0 && !filter.granularities.includes(idea.granularity)) {
    return false;
  }
  if (filter.groups.length > 0 && !filter.groups.includes(groupOf(idea.fate).tag)) {
    return false;
  }
  if (!filter.text) {
    return true;
  }
  const hay = [idea.title, idea.id, idea.path, idea.symbol, idea.paper, idea.family, idea.words]
    .join("\n")
    .toLowerCase();
  return filter.text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}
