// What is said when a campaign's process has ended: a pure function of how it ended and of how
// far the campaign is now.

import type { JobEnded, Progress } from "./protocol";

export interface JobNotice {
  readonly kind: "error" | "warning" | "information";
  readonly text: string;
  /** Titles with the commands that they stand for; each is handed the root. */
  readonly buttons: readonly { readonly title: string; readonly command: string }[];
}

const REPORT = { title: "Show Report", command: "autosota.campaign.report" };
const RESUME = { title: "Resume", command: "autosota.resume" };
const LOG = { title: "Show Log", command: "autosota.showLog" };

/** Nothing for what the user has done: who stops a campaign knows that it was stopped. */
export function jobNotice(ended: JobEnded, progress: Progress | undefined): JobNotice | undefined {
  if (ended.code > 1) {
    const why = ended.message || `it ended with ${ended.code}; its log is in .autosota/jobs`;
    return { kind: "error", text: `AutoSOTA: the campaign did not run. ${why}`, buttons: [LOG] };
  }
  const campaign = progress?.campaign;
  if (!campaign) return undefined;
  if (progress.state === "idle") {
    const how = ended.code < 0 ? ` by signal ${-ended.code}` : "";
    const text = `AutoSOTA: campaign ${campaign} was interrupted${how}. Nothing that finished is lost.`;
    return { kind: "warning", text, buttons: [RESUME, LOG] };
  }
  if (progress.state === "finished") {
    const text = `AutoSOTA: campaign ${campaign} has finished. ${progress.headline}`.trim();
    return { kind: "information", text, buttons: [REPORT] };
  }
  return undefined;
}
