// The Python extension, where it is installed: which environment it has chosen for a folder, and
// when it chooses another. Only what we use of its API is typed here.

import * as vscode from "vscode";

const ID = "ms-python.python";
const LIMIT = 10_000;

interface Environment {
  readonly executable?: { readonly uri?: vscode.Uri };
}

interface PythonApi {
  readonly ready?: Promise<void>;
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly id: string; readonly path: string };
    resolveEnvironment(environment: unknown): Promise<Environment | undefined>;
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

/** Follows the Python extension's choice. */
export class PythonExtension implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  /** Another environment was chosen, or the extension came or went. */
  readonly onChanged = this.changed.event;
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private api: Promise<PythonApi | undefined> | undefined;
  private was = this.installed;

  constructor(private readonly log: vscode.LogOutputChannel) {
    this.disposables.push(
      vscode.extensions.onDidChange(() => {
        if (this.was === this.installed) return;
        this.was = this.installed;
        this.api = undefined;
        this.changed.fire();
      }),
    );
  }

  get installed(): boolean {
    return vscode.extensions.getExtension(ID) !== undefined;
  }

  /** The interpreters of the window's folders, in their order; none when there is no choice. */
  async interpreters(): Promise<string[]> {
    if (!this.installed) return [];
    this.api ??= this.connect();
    const late = Symbol("late");
    const api = await within(this.api, LIMIT, late);
    if (api === late) {
      this.log.info("the Python extension is not there yet; its choice counts once it is");
      void this.api.then(() => this.changed.fire());
      return [];
    }
    if (api?.environments === undefined) return [];
    const folders = vscode.workspace.workspaceFolders?.map((folder) => folder.uri) ?? [undefined];
    const found: string[] = [];
    for (const folder of folders) {
      const path = await this.interpreter(api.environments, folder);
      if (path !== undefined && !found.includes(path)) found.push(path);
    }
    return found;
  }

  dispose(): void {
    for (const one of this.disposables) one.dispose();
  }

  private async interpreter(
    environments: NonNullable<PythonApi["environments"]>,
    folder: vscode.Uri | undefined,
  ): Promise<string | undefined> {
    try {
      const active = environments.getActiveEnvironmentPath(folder);
      const found = await within(environments.resolveEnvironment(active), LIMIT, undefined);
      return found?.executable?.uri?.fsPath;
    } catch (error) {
      this.log.warn(`the Python extension: ${String(error)}`);
      return undefined;
    }
  }

  private async connect(): Promise<PythonApi | undefined> {
    try {
      const extension = vscode.extensions.getExtension<PythonApi>(ID);
      const api = await extension?.activate();
      await api?.ready;
      const event = api?.environments?.onDidChangeActiveEnvironmentPath;
      if (event) this.disposables.push(event(() => this.changed.fire()));
      return api;
    } catch (error) {
      this.log.warn(`the Python extension did not start: ${String(error)}`);
      return undefined;
    }
  }
}

/** What a promise gives, or `otherwise` when it takes longer. */
async function within<T, O>(promise: Promise<T>, milliseconds: number, otherwise: O): Promise<T | O> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<O>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
