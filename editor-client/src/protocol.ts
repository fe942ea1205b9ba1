// What the server and this client say to each other, beyond the language server protocol.
// Written by `make client-protocol` from the server's types: a change here is lost, make it there.

/** The server's commands; each takes one object. */
export const Commands = {
  start: "autosota.start",
  resume: "autosota.resume",
  stop: "autosota.stop",
  status: "autosota.status",
  setAutonomy: "autosota.setAutonomy",
  setUp: "autosota.setUp",
  ideas: "autosota.ideas",
  showIdeas: "autosota.showIdeas",
  show: "autosota.show",
  apply: "autosota.apply",
  reject: "autosota.reject",
  report: "autosota.report",
  suppress: "autosota.suppress",
  ideaApplied: "autosota.ideaApplied",
  board: "autosota.board",
  log: "autosota.log",
  series: "autosota.series",
  patch: "autosota.patch",
  receipt: "autosota.receipt",
} as const;

/** What each command takes and answers. */
export interface CommandTypes {
  "autosota.start": { argument: Start; answer: JobStarted };
  "autosota.resume": { argument: Root; answer: JobStarted };
  "autosota.stop": { argument: Stop; answer: Stopped };
  "autosota.status": { argument: Root; answer: Progress };
  "autosota.setAutonomy": { argument: SetAutonomy; answer: Progress };
  "autosota.setUp": { argument: Root; answer: SetUp };
  "autosota.ideas": { argument: Root; answer: LibraryIdea[] };
  "autosota.showIdeas": { argument: Ideas; answer: IdeaHere[] };
  "autosota.show": { argument: Thing; answer: Lines };
  "autosota.apply": { argument: Thing; answer: PatchApplied };
  "autosota.reject": { argument: Reject; answer: Refused };
  "autosota.report": { argument: Root; answer: ReportWritten };
  "autosota.suppress": { argument: Suppress; answer: Suppressed };
  "autosota.ideaApplied": { argument: IdeaApplied; answer: ReadAgain };
  "autosota.board": { argument: AskBoard; answer: Board };
  "autosota.log": { argument: AskLog; answer: LogPart };
  "autosota.series": { argument: Run; answer: Series };
  "autosota.patch": { argument: Thing; answer: PatchText };
  "autosota.receipt": { argument: Thing; answer: ReceiptText };
}

export type Command = keyof CommandTypes;
export type Argument<C extends Command> = CommandTypes[C]["argument"];
export type Answer<C extends Command> = CommandTypes[C]["answer"];

/** Commands that the server asks this client for. */
export const ClientCommands = {
  askReason: "autosota.askReason",
  viewIdeas: "autosota.view.ideas",
  viewReceipt: "autosota.view.receipt",
  viewCampaign: "autosota.view.campaign",
} as const;

/** What each of them is given. */
export interface ClientCommandTypes {
  "autosota.askReason": AskReason;
  "autosota.view.ideas": ShowIdeas;
  "autosota.view.receipt": ShowReceipt;
  "autosota.view.campaign": ShowCampaign;
}

/** What the server tells unasked. */
export const Notifications = {
  status: "autosota/status",
  indexed: "autosota/indexed",
  job: "autosota/job",
} as const;

/** What each of them holds. */
export interface NotificationTypes {
  "autosota/status": Progress;
  "autosota/indexed": Indexed;
  "autosota/job": JobEnded;
}

/**
 * All options. Names in JSON are these in camelCase.
 *
 * Attributes:
 *     check, ideas, lens, hints: The features.
 *     trusted: Whether the workspace is trusted; if not, there are warnings and nothing else.
 *     budget_evaluations: The most runs of a campaign that is started here; 0: the objective's.
 */
export interface Settings {
  check?: { enable?: boolean; };
  ideas?: { enable?: boolean; };
  lens?: { enable?: boolean; };
  hints?: { enable?: boolean; };
  trusted?: boolean;
  budgetEvaluations?: number;
}

/** The initialization options: what this client can do, beside the settings. */
export interface InitializationOptions extends Settings {
  asksReasons?: boolean;
  views?: boolean;
  status?: boolean;
}

/**
 * Start a campaign. `ideas` of 0 measures the baseline only; -1 sets no limit of its own.
 *
 * `confirmed`: the user was asked already.
 */
export interface Start {
  root?: string;
  ideas?: number;
  confirmed?: boolean;
}

/** A workspace. `root` is a folder's path; `''`: the only one that is open. */
export interface Root {
  root?: string;
}

/** Stop the campaign that runs. */
export interface Stop {
  root?: string;
  why?: string;
}

/** Choose what may happen unasked: `off`, `suggest` or `autonomous`. */
export interface SetAutonomy {
  mode: string;
  root?: string;
  confirmed?: boolean;
}

/** Ideas of a file. */
export interface Ideas {
  root?: string;
  path?: string;
  ids?: string[];
}

/** An idea, a patch, a receipt or a campaign, by its id. */
export interface Thing {
  id: string;
  root?: string;
}

/** Refuse an idea. */
export interface Reject {
  id: string;
  why: string;
  root?: string;
}

/** Silence a finding with a reason: what the code action handed to `autosota.askReason`. */
export interface Suppress {
  uri: string;
  edits: number;
  number: number;
  reason: string;
}

/** An idea's edit was applied: each document with the hash of the text it should have now. */
export interface IdeaApplied {
  id: string;
  root?: string;
  texts?: Record<string, string>;
}

/** The views of a workspace; `campaign` of `''` is the newest. */
export interface AskBoard {
  root?: string;
  campaign?: string;
}

/** A run's log from an offset on: 0, or what the answer before said is next. */
export interface AskLog {
  run: string;
  offset?: number;
  root?: string;
}

/** A run, by its id. */
export interface Run {
  run: string;
  root?: string;
}

/** The answer of a command that starts a campaign. */
export interface JobStarted {
  job: string;
  root: string;
  pid: number;
}

/** The campaign was stopped, and nothing below it is left. */
export interface Stopped {
  stopped: boolean;
  status: Progress | null;
}

/**
 * A workspace's campaign and how far it is. Times in seconds.
 *
 * `state` is `none`, `running`, `stopped`, `finished` or `idle` (nobody drives it).
 * `revision` changes whenever the ledger grows, or another run goes on. `may_spend` is the
 * objective's budget in words: what the next campaign may spend; '' where no objective says.
 */
export interface Progress {
  root: string;
  state: string;
  campaign: string;
  verdict: string;
  doing: string;
  evaluations: number;
  budget_evaluations: number;
  wall_seconds: number;
  budget_wall_seconds: number;
  dollars: number | null;
  budget_dollars: number | null;
  ideas: number;
  ideas_tried: number;
  headline: string;
  autonomy: string;
  autonomy_ceiling: string;
  has_objective: boolean;
  note: string;
  may_spend: string;
  revision: string;
}

/** An objective was proposed: the file, and what was said of it. */
export interface SetUp {
  path: string;
  said: string;
}

/** An idea as `autosota ideas --json` gives it; `patch` is None when it has none. */
export interface LibraryIdea {
  id: string;
  title: string;
  granularity: string;
  path: string;
  line: number;
  symbol: string;
  paper: string;
  reason: string;
  fate: string;
  why: string;
  patch: string | null;
  difference: number | null;
  interval: [number, number] | null;
  pairs: number;
  family: string;
  cost: number;
}

/** An idea of an open file, with its badge and everything about it as Markdown. */
export interface IdeaHere {
  id: string;
  title: string;
  granularity: string;
  paper: string;
  expected: string;
  reason: string;
  risk: string;
  cost: number;
  line: number;
  end_line: number;
  symbol: string;
  header: number;
  assumptions: string[];
  tried: Tried | null;
  badge: string;
  text: string;
}

/** Lines about an idea, a patch, a receipt or a campaign, and its diff (`''`: none). */
export interface Lines {
  lines: string[];
  diff: string;
}

/** A patch is in the files on disk; `standing` says whether it is confirmed. */
export interface PatchApplied {
  patch: string;
  files: string[];
  confirmed: boolean;
  standing: string;
  notes: string[];
}

/** The idea that was refused. */
export interface Refused {
  id: string;
}

/** The report was written: what was said, and the path of its HTML file. */
export interface ReportWritten {
  said: string;
  path: string;
}

/** Whether the editor took the change. */
export interface Suppressed {
  applied: boolean;
}

/** Whether the documents are what was drafted. */
export interface ReadAgain {
  as_drafted: boolean;
}

/**
 * Everything the views list.
 *
 * Attributes:
 *     root: The workspace.
 *     progress: How far the campaign is.
 *     goal: The objective as a tree.
 *     ideas: In the library's order.
 *     runs: The newest first.
 *     campaigns: The newest first.
 *     revision: The same as in `Progress`.
 */
export interface Board {
  root: string;
  progress: Progress;
  goal: RubricNode;
  ideas: IdeaRow[];
  runs: RunRow[];
  campaigns: CampaignRow[];
  revision: string;
}

/**
 * A stretch of a run's log.
 *
 * Attributes:
 *     text: Whole characters, without terminal escapes, the claim masked.
 *     next: The offset to ask from next; only 0 has a meaning of its own: the beginning.
 *     ended: True when nothing follows: the run is over and all of it was given.
 *     restart: True when the run has ended since, and its stored log takes the place of what
 *         was given before: drop that, `text` is from the beginning.
 */
export interface LogPart {
  text: string;
  next: number;
  ended: boolean;
  restart: boolean;
}

/** What a run reported on its way, metric by metric, without the claim. */
export interface Series {
  run: string;
  series: Curve[];
}

/**
 * A patch for a diff editor.
 *
 * Attributes:
 *     id: The patch.
 *     title: What it does.
 *     files: What it changes.
 *     verdict: What the audit said.
 *     confirmed: Whether this very patch is confirmed.
 *     standing: The same in words, in the line that comes first.
 *     notes: What else to know, with the audit's findings.
 */
export interface PatchText {
  id: string;
  title: string;
  files: FileText[];
  verdict: "" | "cleared" | "needs_review" | "rejected";
  confirmed: boolean;
  standing: string;
  notes: string[];
}

/**
 * A receipt to read.
 *
 * Attributes:
 *     id: The run.
 *     lines: It in words.
 *     values: Its numbers.
 *     json: All of it, with the claim masked until it was read.
 */
export interface ReceiptText {
  id: string;
  lines: string[];
  values: NamedValue[];
  json: string;
}

/** Why a finding is suppressed: ask, then call `autosota.suppress` with the reason. */
export interface AskReason {
  uri: string;
  edits: number;
  number: number;
  code: string;
}

/** Show ideas of a file; these ones. */
export interface ShowIdeas {
  root: string;
  path: string;
  ids: string[];
}

/** Show the receipt of a run. */
export interface ShowReceipt {
  root: string;
  id: string;
}

/** Show the campaign that runs. */
export interface ShowCampaign {
  root: string;
}

/** How far the index of a workspace is: files that were read of all, and the seconds it took. */
export interface Indexed {
  root: string;
  read: number;
  files: number;
  entries: string[];
  seconds: number;
}

/** A campaign's process has ended. `message` says why when it could not begin. */
export interface JobEnded {
  job: string;
  root: string;
  code: number;
  message: string;
}

/**
 * What became of an idea in a campaign.
 *
 * Attributes:
 *     campaign: Its id.
 *     fate: A key of `report.fates.FATES`.
 *     words: The fate in words.
 *     why: What decided it.
 *     gain: The measured difference in search, in per cent of the baseline or its unit; ''.
 *     metric: What it was measured on.
 *     detail: The difference with its interval and what that covers; ''.
 *     patch: The id of its patch; '' when it was not implemented.
 *     receipts: The runs that hold the numbers.
 */
export interface Tried {
  campaign: string;
  fate: string;
  words: string;
  why: string;
  gain: string;
  metric: string;
  detail: string;
  patch: string;
  receipts: string[];
}

/**
 * One thing that the objective asks for, and how it stands.
 *
 * Attributes:
 *     id: Stable while the objective stays the same, such as `guard:params`.
 *     title: What is asked, in a few words.
 *     state: How it stands; `open` when nothing has decided it yet.
 *     detail: What decided it, or what it waits for.
 *     receipts: The runs behind it.
 *     children: What it is made of.
 */
export interface RubricNode {
  id: string;
  title: string;
  state: "passed" | "failed" | "open" | "capped";
  detail: string;
  receipts: string[];
  children: RubricNode[];
}

/**
 * An idea of the newest campaign, with what became of it.
 *
 * Attributes:
 *     id: Its id.
 *     title: What it does.
 *     granularity: `PARAM`, `CODE` or `ALGO`.
 *     family: Ideas of one family are likely to fare alike.
 *     path: The file of its lever, from the root; `line` to `end_line` in it, from 1.
 *     symbol: The function or class around it; `''` for the module.
 *     paper: Where it was published.
 *     reason: Why it applies here.
 *     expected: What the paper leads one to expect.
 *     risk: `LOW`, `MEDIUM` or `HIGH`.
 *     cost: A run's expected time relative to the code before.
 *     fate: A key of `report.fates.FATES`; `words` is the same for people.
 *     why: What decided it.
 *     gain: The measured difference in search; `''` when none was measured.
 *     detail: The difference with its interval and what that covers.
 *     badge: The mark that a list shows.
 *     patch: The id of its patch; `''` when it was not implemented.
 *     verdict: What the audit said of the patch; `findings` are its words.
 *     receipts: The runs that hold the numbers.
 */
export interface IdeaRow {
  id: string;
  title: string;
  granularity: string;
  family: string;
  path: string;
  line: number;
  end_line: number;
  symbol: string;
  paper: string;
  reason: string;
  expected: string;
  risk: string;
  cost: number;
  fate: string;
  words: string;
  why: string;
  gain: string;
  detail: string;
  badge: "" | "provisional" | "confirmed" | "noise" | "rejected" | "failed" | "refused";
  patch: string;
  verdict: "" | "cleared" | "needs_review" | "rejected";
  findings: string[];
  receipts: string[];
}

/**
 * A run of the newest campaign, also one that is going on.
 *
 * Attributes:
 *     id: Its id.
 *     purpose: `baseline`, `search`, `confirm`, `control` or `transfer`.
 *     side: `baseline`, or the id of the patch that was run.
 *     idea: The id of the idea behind the patch; `''` for none.
 *     patch: The id of the patch; `''` for the baseline.
 *     seed: Its seed.
 *     state: `running`, `finished`, or how it failed (`crashed`, `timeout`, `pruned`, …).
 *     began: When it began, ISO 8601; `''` when that is not known.
 *     wall_seconds: How long it took; None while it runs.
 *     metric: The metric that is shown.
 *     value: Its value, as its receipt holds it; `''` when unknown or masked.
 *     note: Why there is no value, or why the run failed.
 *     isolation: The grade of the number: `sealed`, `overlaid`, `declared`; `''` while it runs.
 *     receipt: The hash of its receipt; `''` while it runs.
 *     log: Whether there is a log to read.
 */
export interface RunRow {
  id: string;
  purpose: string;
  side: string;
  idea: string;
  patch: string;
  seed: number;
  state: string;
  began: string;
  wall_seconds: number | null;
  metric: string;
  value: string;
  note: string;
  isolation: string;
  receipt: string;
  log: boolean;
}

/** A campaign of the workspace. `state` is as in `Progress`; `started` is ISO 8601. */
export interface CampaignRow {
  id: string;
  started: string;
  state: string;
  verdict: string;
  headline: string;
}

/** A metric as a run reported it on its way: (step, value), in order of steps. */
export interface Curve {
  name: string;
  points: [number, number][];
}

/** One file of a patch, before and after; `''` where it is not there. */
export interface FileText {
  path: string;
  before: string;
  after: string;
}

/** A metric or resource of a run, as it is shown; `note` says why there is no value. */
export interface NamedValue {
  name: string;
  value: string;
  note: string;
}
