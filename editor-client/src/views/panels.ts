// Web pages beside the code: metrics, receipts, the report. What they show is made in `pages`;
// here they are opened, filled again when there is news, and their buttons answered.

import * as vscode from "vscode";
import { oneLine } from "./boards";
import { type Html, html, nonce, shell } from "./html";
import { troublePage } from "./pages";
import type { Report } from "./sanitise";
import type { FromPage, ToPage } from "./webview/messages";

/** What a page shows. */
export interface Shown {
  readonly body: Html;
  readonly report?: Report;
}

/** What fills a page, and what its buttons do. */
export interface Page {
  readonly title: string;
  /** What is said until it is filled. */
  readonly waiting?: string;
  fill(): Promise<Shown>;
  /** Whether what it shows goes on; while it does and is seen, it is filled again and again. */
  goesOn?(): boolean;
  act(act: string, id: string): unknown;
}

/** What goes on is filled again after so many milliseconds. */
const AGAIN = 3000;

/** One panel of each kind; another page of a kind takes the place of the one before. */
export class Panels implements vscode.Disposable {
  private readonly open = new Map<string, Panel>();

  /** `seen` is called when a page comes into sight or goes out of it. */
  constructor(
    private readonly extension: vscode.Uri,
    private readonly seen: () => void,
  ) {}

  /** Show a page in its kind's panel. */
  show(kind: string, page: Page): void {
    let panel = this.open.get(kind);
    if (panel === undefined) {
      panel = new Panel(this.extension, kind, (closed) => {
        if (closed) {
          this.open.delete(kind);
        }
        this.seen();
      });
      this.open.set(kind, panel);
    }
    panel.show(page);
    this.seen();
  }

  /** There is news for a kind of page. */
  refresh(kind: string): void {
    this.open.get(kind)?.refresh();
  }

  /** Whether a page of this kind is on the screen. */
  isVisible(kind: string): boolean {
    return this.open.get(kind)?.isVisible ?? false;
  }

  dispose(): void {
    for (const panel of [...this.open.values()]) {
      panel.dispose();
    }
  }
}

class Panel {
  private readonly panel: vscode.WebviewPanel;
  private page: Page | undefined;
  private filled: Page | undefined;
  private ready = false;
  private filling = 0;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(extension: vscode.Uri, kind: string, seen: (closed: boolean) => void) {
    const folder = vscode.Uri.joinPath(extension, "dist", "webview");
    this.panel = vscode.window.createWebviewPanel(
      `autosota.${kind}`,
      "AutoSOTA",
      { viewColumn: vscode.ViewColumn.Active, preserveFocus: false },
      { enableScripts: true, enableFindWidget: true, localResourceRoots: [folder] },
    );
    const { webview } = this.panel;
    const asset = (name: string) =>
      webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    this.panel.iconPath = {
      light: vscode.Uri.joinPath(extension, "media", "views", "light.svg"),
      dark: vscode.Uri.joinPath(extension, "media", "views", "dark.svg"),
    };
    this.panel.onDidDispose(() => {
      clearTimeout(this.again);
      this.page = undefined;
      seen(true);
    });
    this.panel.onDidChangeViewState(() => {
      this.ready &&= this.panel.visible; // a page that was hidden begins anew and says so
      seen(false);
    });
    webview.onDidReceiveMessage((message: FromPage) => this.received(message));
    const assets = { script: asset("page.js"), style: asset("page.css") };
    webview.html = shell("AutoSOTA", assets, nonce());
  }

  get isVisible(): boolean {
    return this.panel.visible;
  }

  show(page: Page): void {
    this.page = page;
    this.panel.title = page.title;
    this.panel.reveal(undefined, false);
    this.refresh();
  }

  refresh(): void {
    if (this.ready) {
      void this.fill();
    }
  }

  dispose(): void {
    this.panel.dispose();
  }

  private post(shown: Shown): Thenable<boolean> {
    const { body, report } = shown;
    const message: ToPage = { body: body.text, ...(report === undefined ? {} : { report }) };
    return this.panel.webview.postMessage(message);
  }

  private received(message: FromPage): void {
    const { act, id } = message ?? {};
    if (act === "ready") {
      this.ready = true;
      this.filled = undefined;
      void this.fill();
    } else if (act === "again") {
      void this.fill();
    } else if (typeof act === "string" && typeof id === "string") {
      this.page?.act(act, id);
    }
  }

  private async fill(): Promise<void> {
    const page = this.page;
    if (page === undefined) {
      return;
    }
    const mine = ++this.filling;
    if (this.filled !== page) {
      this.filled = page;
      void this.post({ body: html`<p class="soft" role="status">${page.waiting ?? "Loading…"}</p>` });
    }
    let shown: Shown;
    try {
      shown = await page.fill();
    } catch (error) {
      shown = { body: troublePage(oneLine(error)) };
    }
    if (mine === this.filling && this.ready) {
      await this.post(shown);
      clearTimeout(this.again);
      if (page.goesOn?.()) {
        this.again = setTimeout(() => this.refresh(), AGAIN); // one that is hidden is not ready
      }
    }
  }
}
