// The views together: what they show, which of them is looked at, and what stands in their way.

import * as path from "node:path";
import * as vscode from "vscode";
import { Commands, type IdeaHere, type IdeaRow } from "../protocol";
import type { ServerState, Session } from "../session";
import { Boards, oneLine } from "./boards";
import { campaignRows, standing } from "./campaign";
import { EVERYTHING, type Filter, isEverything, matches, written } from "./filter";
import { ideaRows, type Place } from "./ideas";
import { count, dotted } from "./rows";
import { runRows } from "./runs";
import { Tree } from "./tree";

/** Names of our views in the package. */
export const VIEWS = {
  campaign: "autosota.campaignView",
  ideas: "autosota.ideasView",
  runs: "autosota.runsView",
} as const;

export type ViewName = keyof typeof VIEWS;

export class Desk implements vscode.Disposable {
  readonly boards: Boards;
  readonly trees: Readonly<Record<ViewName, Tree>>;
  filter: Filter = EVERYTHING;
  private place: Place | undefined;
  /** Why the last thing that was done in a view failed. */
  private readonly troubles = new Map<ViewName, string>();
  private readonly parts: vscode.Disposable[];
  private readonly news = new vscode.EventEmitter<void>();
  private told = new Map<string, unknown>();
  private pages = false;

  /** What is shown has changed. */
  readonly onNews = this.news.event;

  constructor(private readonly session: Session) {
    this.boards = new Boards((root, campaign, until) => {
      const source = new vscode.CancellationTokenSource();
      until.addEventListener("abort", () => source.cancel(), { once: true });
      const asked = session.command(Commands.board, { root, campaign }, source.token);
      return asked.finally(() => source.dispose());
    });
    const { boards } = this;
    const ready = () => this.state() !== "noObjective" && boards.board !== undefined;
    this.trees = {
      campaign: new Tree(VIEWS.campaign, () => (ready() && boards.board ? campaignRows(boards.board, boards.campaign) : [])),
      ideas: new Tree(VIEWS.ideas, () => ideaRows(boards.board?.ideas ?? [], this.filter, this.place)),
      runs: new Tree(VIEWS.runs, () => runRows(boards.board?.runs ?? [], boards.board?.ideas ?? [])),
    };
    const trees = Object.values(this.trees);
    this.parts = [
      boards,
      this.news,
      ...trees,
      ...trees.map((tree) => tree.view.onDidChangeVisibility(() => this.watch())),
      boards.onChange(() => this.changed()),
      session.onStatus((progress) => boards.news(progress)),
      session.onServerReady(() => boards.refresh()),
      session.onState(() => this.changed()),
      session.onActiveRoot((root) => this.follow(root)),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.changed()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => boards.refresh()),
    ];
    this.follow(session.activeRoot);
    this.watch();
    this.changed();
  }

  /** The workspace that is shown. */
  get root(): string | undefined {
    return this.boards.activeRoot;
  }

  /** Pages beside the trees look at the board, too. */
  watchPages(visible: boolean): void {
    this.pages = visible;
    this.watch();
  }

  /** Show another filter; the ideas of a place give way to it. */
  setFilter(filter: Filter): void {
    this.filter = filter;
    this.place = undefined;
    this.changed();
  }

  /** Show the ideas of a place in the code, and those only. */
  async showPlace(root: string, file: string, ids: readonly string[]): Promise<void> {
    if (root !== this.root) {
      this.boards.look(root);
    }
    const here = await this.session.command(Commands.showIdeas, { root, path: file, ids: [...ids] });
    const known = new Map(this.boards.board?.ideas.map((idea) => [idea.id, idea]));
    const found = here.map((idea) => known.get(idea.id) ?? rowOf(idea, file));
    const rest = ids.filter((id) => !here.some((idea) => idea.id === id));
    const more = rest.flatMap((id) => known.get(id) ?? []);
    this.place = { title: path.posix.basename(file), ideas: [...found, ...more] };
    this.filter = EVERYTHING;
    this.changed();
  }

  /** Do something for a view; what fails is one line in it, or a message when it is not seen. */
  async attempt(view: ViewName, what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
      if (this.troubles.delete(view)) {
        this.changed();
      }
    } catch (error) {
      if (error instanceof vscode.CancellationError) {
        return;
      }
      if (this.trees[view].view.visible) {
        this.troubles.set(view, oneLine(error));
        this.changed();
      } else {
        this.session.tell(error);
      }
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.parts).dispose();
  }

  private follow(root: string | undefined): void {
    if (root !== undefined && root !== this.root) {
      this.place = undefined;
      this.troubles.clear();
      this.boards.look(root);
      const known = this.session.statuses.get(root);
      if (known !== undefined) {
        this.boards.news(known);
      }
    }
  }

  private watch(): void {
    const seen = Object.values(this.trees).some((tree) => tree.view.visible);
    this.boards.watch(seen || this.pages);
  }

  /** What stands in the way, as the welcome texts of the package know it. */
  private state(): string {
    const states: Record<ServerState, string> = {
      missing: "down",
      failed: "down",
      stopped: "down",
      starting: "starting",
      waiting: "starting",
      ready: "ready",
    };
    const server = states[this.session.state];
    const { board, trouble } = this.boards;
    if (board !== undefined && (board.progress.campaign || board.progress.has_objective)) {
      return "ready";
    }
    if ((vscode.workspace.workspaceFolders ?? []).length === 0 && this.root === undefined) {
      return "noFolder";
    }
    if (server !== "ready") {
      return server;
    }
    if (board === undefined) {
      return trouble === undefined ? "reading" : "trouble";
    }
    return "noObjective";
  }

  private changed(): void {
    const { board, campaign } = this.boards;
    const progress = board?.progress;
    const shown = board?.campaigns.find((other) => campaign !== "" && other.id === campaign) ?? progress;
    const filtered = !isEverything(this.filter) || this.place !== undefined;
    this.tell("autosota.views.state", this.state());
    this.tell("autosota.views.campaign", progress?.campaign ? progress.state : "none");
    this.tell("autosota.ideas.filtered", filtered);
    this.tell("autosota.campaign.older", campaign !== "");
    const { campaign: one, ideas, runs } = this.trees;
    const name = this.session.statuses.size > 1 && this.root ? path.basename(this.root) : "";
    one.view.description = dotted(name, progress?.campaign && shown && standing(shown));
    ideas.view.description = dotted(name, board?.ideas.length ? this.shown(board.ideas) : "");
    runs.view.description = dotted(name, board?.runs.length ? count(board.runs.length, "run") : "");
    const older = campaign && `Campaign ${campaign} is shown, not the newest.`;
    for (const view of Object.keys(VIEWS) as ViewName[]) {
      const filter = view === "ideas" ? this.filterLine(board?.ideas ?? []) : "";
      const line = this.troubles.get(view) || this.boards.trouble || this.down() || older || filter;
      this.trees[view].view.message = line; // an empty one takes no room
    }
    for (const tree of Object.values(this.trees)) {
      tree.refresh();
    }
    this.news.fire();
  }

  private shown(ideas: readonly IdeaRow[]): string {
    const found = ideas.filter((idea) => matches(idea, this.filter)).length;
    return found === ideas.length ? count(found, "idea") : `${found} of ${count(ideas.length, "idea")}`;
  }

  /** What the list is filtered by, and that nothing is left when nothing is. */
  private filterLine(ideas: readonly IdeaRow[]): string {
    if (isEverything(this.filter) || this.place !== undefined) {
      return "";
    }
    const none = ideas.some((idea) => matches(idea, this.filter)) ? "" : "no idea is like that";
    return dotted(`Filter: ${written(this.filter)}`, none);
  }

  /** A line when the server is away and what is shown is what was known. */
  private down(): string {
    const { state } = this.session;
    if (this.boards.board === undefined || state === "ready" || state === "starting") {
      return "";
    }
    return "The language server is not running; this is what was known.";
  }

  private tell(key: string, value: unknown): void {
    if (this.told.get(key) !== value) {
      this.told.set(key, value);
      void vscode.commands.executeCommand("setContext", key, value);
    }
  }
}

/** An idea of an open file as the list has it; it is in no campaign, so there is no patch. */
function rowOf(idea: IdeaHere, file: string): IdeaRow {
  const { tried } = idea;
  return {
    id: idea.id,
    title: idea.title,
    granularity: idea.granularity,
    family: "",
    path: file,
    line: idea.line,
    end_line: idea.end_line,
    symbol: idea.symbol,
    paper: idea.paper,
    reason: idea.reason,
    expected: idea.expected,
    risk: idea.risk,
    cost: idea.cost,
    fate: tried?.fate ?? "waiting",
    words: tried?.words ?? "not tried",
    why: tried?.why ?? "",
    gain: tried?.gain ?? "",
    detail: tried?.detail ?? "",
    badge: "",
    patch: tried?.patch ?? "",
    verdict: "",
    findings: [],
    receipts: tried?.receipts ?? [],
  };
}
