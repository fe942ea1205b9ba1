// Read-only documents: both sides of a patch, an idea in words, the log of a run that follows it.

import * as vscode from "vscode";
import { Commands, type IdeaRow, type PatchText } from "../protocol";
import type { Session } from "../session";
import { oneLine } from "./boards";
import { Follow } from "./follow";
import { ideaText } from "./ideas";

const PATCH = "autosota-patch";
const IDEA = "autosota-idea";
const LOG = "autosota-log";

/** A log that is visible is asked for news so often, in milliseconds. */
const LOOK = 2000;

/** A document's address: what to ask for is in the query, so that it can be opened again. */
function address(scheme: string, path: string, query: Record<string, string>): vscode.Uri {
  const text = new URLSearchParams(query).toString();
  return vscode.Uri.from({ scheme, path: `/${path}`, query: text });
}

export class Documents implements vscode.Disposable {
  private readonly patches = new Map<string, Promise<PatchText>>();
  private readonly ideas = new Map<string, string>();
  private readonly logs: Logs;
  private readonly parts: vscode.Disposable[];

  constructor(private readonly session: Session) {
    this.logs = new Logs(session);
    const provide = (scheme: string, text: (uri: vscode.Uri) => Promise<string> | string) =>
      vscode.workspace.registerTextDocumentContentProvider(scheme, {
        provideTextDocumentContent: text,
      });
    this.parts = [
      this.logs,
      provide(PATCH, (uri) => this.side(uri)),
      provide(IDEA, (uri) => this.ideas.get(uri.toString()) ?? ""),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.ideas.delete(uri.toString());
        if (uri.scheme === PATCH) {
          this.patches.delete(keyOf(new URLSearchParams(uri.query)));
        }
      }),
    ];
  }

  /** What an idea's patch changes, file by file. */
  async showPatch(root: string, patch: PatchText): Promise<void> {
    const side = (index: number, path: string, which: string) =>
      address(PATCH, path, { root, id: patch.id, index: String(index), side: which });
    this.patches.set(keyOf(new URLSearchParams({ root, id: patch.id })), Promise.resolve(patch));
    const pairs = patch.files.map((file, index) => {
      const before = side(index, file.path, "before");
      return [before, side(index, file.path, "after"), file.path] as const;
    });
    const [first] = pairs;
    const standing = patch.standing.split(/[:;(]/)[0]?.trim() || "Not confirmed";
    const title = `${short(patch.title, 60)} (${standing})`;
    if (first === undefined) {
      throw new Error(`${patch.title}: its patch changes no file`);
    }
    const options: vscode.TextDocumentShowOptions = { preview: true };
    if (pairs.length === 1) {
      await vscode.commands.executeCommand("vscode.diff", first[0], first[1], title, options);
    } else {
      const changes = pairs.map(([before, after]) => [after, before, after]);
      await vscode.commands.executeCommand("vscode.changes", title, changes);
    }
  }

  /** All of an idea, in words. */
  async showIdea(root: string, idea: IdeaRow): Promise<void> {
    const uri = address(IDEA, `${fileName(idea.title)}.md`, { root, id: idea.id });
    this.ideas.set(uri.toString(), ideaText(idea));
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  }

  /** The log of a run; it follows while it is visible. */
  async showLog(root: string, run: string, title: string): Promise<void> {
    await this.logs.show(root, run, title);
  }

  dispose(): void {
    vscode.Disposable.from(...this.parts).dispose();
  }

  private async side(uri: vscode.Uri): Promise<string> {
    const query = new URLSearchParams(uri.query);
    const key = keyOf(query);
    let patch = this.patches.get(key);
    if (patch === undefined) {
      const [root, id] = [query.get("root") ?? "", query.get("id") ?? ""];
      patch = this.session.command(Commands.patch, { root, id });
      this.patches.set(key, patch);
      patch.catch(() => this.patches.delete(key));
    }
    const file = (await patch).files[Number(query.get("index"))];
    return (query.get("side") === "before" ? file?.before : file?.after) ?? "";
  }
}

function keyOf(query: URLSearchParams): string {
  return `${query.get("root")}\n${query.get("id")}`;
}

function fileName(title: string): string {
  return short(title.replace(/[/\\:?#]+/g, " ").replace(/\s+/g, " ").trim(), 60) || "untitled";
}

/** A text that a tab has room for. */
function short(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

/** Logs of runs, as documents that grow. */
class Logs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  private readonly open = new Map<string, { uri: vscode.Uri; follow: Follow; trouble: string }>();
  private readonly parts: vscode.Disposable[];
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly onDidChange = this.changes.event;

  constructor(private readonly session: Session) {
    this.parts = [
      this.changes,
      vscode.workspace.registerTextDocumentContentProvider(LOG, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.open.delete(uri.toString())),
      vscode.window.onDidChangeVisibleTextEditors(() => this.later(0)),
      session.onServerReady(() => this.later(0)),
    ];
  }

  async show(root: string, run: string, title: string): Promise<void> {
    const uri = address(LOG, `${fileName(title)}.log`, { root, run });
    const document = await vscode.workspace.openTextDocument(uri);
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    toEnd(editor);
    this.later(LOOK);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const key = uri.toString();
    let log = this.open.get(key);
    if (log === undefined) {
      const query = new URLSearchParams(uri.query);
      const [root, run] = [query.get("root") ?? "", query.get("run") ?? ""];
      const follow = new Follow((offset) =>
        this.session.command(Commands.log, { root, run, offset }),
      );
      log = { uri, follow, trouble: "" };
      this.open.set(key, log);
      await this.read(log);
    }
    const cut = log.follow.cut ? "[what came before is left out here]\n" : "";
    const trouble = log.trouble ? `[${log.trouble}]\n` : "";
    const none = log.follow.ended ? "[the run printed nothing]\n" : "[nothing was printed yet]\n";
    return cut + (log.follow.text || (trouble ? "" : none)) + trouble;
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(...this.parts).dispose();
  }

  private async read(log: { follow: Follow; trouble: string }): Promise<boolean> {
    const before = log.trouble;
    try {
      const news = await log.follow.more();
      log.trouble = "";
      return news || before !== "";
    } catch (error) {
      log.trouble = oneLine(error);
      return log.trouble !== before;
    }
  }

  /** Look at what is visible, now or after a while; never two such looks are waiting. */
  private later(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.look().catch((error: unknown) => this.session.log.error(`log: ${oneLine(error)}`));
    }, wait);
  }

  private async look(): Promise<void> {
    const visible = vscode.window.visibleTextEditors.filter((e) => e.document.uri.scheme === LOG);
    let going = false;
    for (const editor of visible) {
      const log = this.open.get(editor.document.uri.toString());
      if (log === undefined || log.follow.ended) {
        continue;
      }
      if (await this.read(log)) {
        this.grow(log.uri);
      }
      going ||= !log.follow.ended;
    }
    if (going) {
      this.later(LOOK);
    }
  }

  /** Show what is new; who was at the end stays at the end, who reads further up is left there. */
  private grow(uri: vscode.Uri): void {
    const key = uri.toString();
    const atEnd = vscode.window.visibleTextEditors.filter((editor) => {
      const { document, visibleRanges } = editor;
      const last = visibleRanges.at(-1)?.end.line ?? 0;
      return document.uri.toString() === key && last >= document.lineCount - 2;
    });
    if (atEnd.length > 0) {
      const once = vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.toString() === key) {
          once.dispose();
          atEnd.forEach(toEnd);
        }
      });
      setTimeout(() => once.dispose(), LOOK);
    }
    this.changes.fire(uri);
  }
}

function toEnd(editor: vscode.TextEditor): void {
  const end = editor.document.lineAt(Math.max(0, editor.document.lineCount - 1)).range.end;
  editor.selection = new vscode.Selection(end, end);
  editor.revealRange(new vscode.Range(end, end));
}
