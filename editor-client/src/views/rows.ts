// What a tree shows, as plain values: the same rows for every view. How an editor draws them is
// `tree`'s, what they say is that of the modules named after the views.

import type { IdeaRow, RunRow } from "../protocol";

/** A codicon, with a colour of the theme where the shape has one. Shapes differ without colour. */
export interface Icon {
  readonly name: string;
  readonly color?: string;
}

/** What a command that is called on a row is about. */
export type Subject =
  | { readonly kind: "idea"; readonly idea: IdeaRow }
  | { readonly kind: "run"; readonly run: RunRow }
  | { readonly kind: "receipts"; readonly receipts: readonly string[]; readonly of: string }
  | { readonly kind: "campaign"; readonly id: string };

/** One row of a tree. */
export interface Row {
  /** Unique in its tree, and the same for the same thing after news. */
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  /** Plain text. */
  readonly tooltip?: string;
  readonly icon?: Icon;
  /** Words that menus look for. */
  readonly context?: string;
  /** All of it for a screen reader; says in words what the icon shows. */
  readonly spoken: string;
  readonly subject?: Subject;
  /** The command of a click or of Enter, which is given the row. */
  readonly click?: { readonly command: string; readonly title: string };
  /** Rows below, made when they are asked for; left out: there are none. */
  readonly children?: () => readonly Row[];
  /** Whether it is open at first. */
  readonly open?: boolean;
}

/** Icons of states; no two have the same shape. */
export const ICONS = {
  passed: { name: "pass", color: "testing.iconPassed" },
  failed: { name: "error", color: "testing.iconFailed" },
  capped: { name: "warning", color: "problemsWarningIcon.foreground" },
  open: { name: "circle-large-outline" },
  confirmed: { name: "verified-filled", color: "testing.iconPassed" },
  provisional: { name: "beaker", color: "charts.blue" },
  noise: { name: "dash" },
  rejected: { name: "circle-slash", color: "testing.iconFailed" },
  refused: { name: "thumbsdown" },
  idea: { name: "lightbulb" },
  running: { name: "sync~spin" },
  stopped: { name: "debug-pause" },
  pruned: { name: "scissors" },
  timeout: { name: "watch", color: "testing.iconFailed" },
  none: { name: "circle-outline" },
  unknown: { name: "question" },
} as const satisfies Record<string, Icon>;

/** Parts that are there, joined as in `val_accuracy 0.91 · 12 s`. */
export function dotted(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part).join(" · ");
}

/** Parts that are there, as a screen reader reads them. */
export function said(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part).join(", ");
}

/** `1 run`, `3 runs`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** `8 s`, `4 min`, `2.5 h`: as much as one glance takes in. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) {
    return "";
  }
  if (seconds < 10) {
    return `${Number(seconds.toFixed(1))} s`;
  }
  if (seconds < 120) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 7200) {
    return `${Math.round(seconds / 60)} min`;
  }
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

/** `$0.12`. */
export function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

/** `2026-11-25 15:42` of ISO 8601, in the reader's time; the text itself when it is none. */
export function moment(iso: string): string {
  const date = new Date(iso);
  if (!iso || Number.isNaN(date.getTime())) {
    return iso;
  }
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The first letter large, but not that of a name such as `test_accuracy`. */
export function capital(text: string): string {
  return /^\S*[_.=]\w/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** `needs review` of `needs_review`. */
export function words(name: string): string {
  return name.replace(/_/g, " ");
}
