// The commands of the palette, of lenses and of code actions. Those of the server are there from
// the beginning, whether it runs or not; what is asked is handed to it, and it decides.

import { basename } from "node:path";
import * as vscode from "vscode";
import { menuItems, type MenuItem } from "./menuItems";
import { ClientCommands, Commands } from "./protocol";
import type { AskReason, Progress, SetAutonomy, Start, Stop } from "./protocol";
import { NoServer, type Session } from "./session";
import { SECTION } from "./settings";
import { MODE_ICONS, MODE_WORDS, modeOf, MODES } from "./statusText";

type Found = Record<string, unknown>;

export function registerCommands(session: Session): vscode.Disposable {
  const own: Record<string, (argument: unknown) => Promise<unknown>> = {
    [Commands.start]: (argument) => start(session, object(argument)),
    [Commands.stop]: (argument) => stop(session, object(argument)),
    [Commands.setAutonomy]: (argument) => setAutonomy(session, object(argument)),
    [ClientCommands.askReason]: (argument) => askReason(session, object(argument) as Partial<AskReason>),
    "autosota.runBaseline": () => start(session, { ideas: 0 }),
    "autosota.tryIdeas": () => start(session, { ideas: 3 }),
    "autosota.menu": () => menu(session),
    "autosota.showLog": async () => session.log.show(),
  };
  for (const name of Object.values(Commands)) {
    own[name] ??= (argument) => session.command(name, rooted(session, object(argument)) as never);
  }
  const registered = Object.entries(own).map(([name, carryOut]) =>
    vscode.commands.registerCommand(name, async (argument: unknown) => {
      try {
        return await carryOut(argument);
      } catch (error) {
        // who hands over what is wanted looks at the answer too: a lens, a view, a test; what
        // comes from the palette is told here
        if (argument !== undefined) throw error;
        await tell(session, error);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

// ---------------------------------------------------------------------- campaigns

async function start(session: Session, asked: Partial<Start>): Promise<unknown> {
  const wanted = rooted(session, asked);
  const progress = await now(session, wanted.root);
  if (progress !== undefined && !progress.has_objective) return offerObjective(progress);
  if (progress?.state === "running") return session.command(Commands.start, wanted); // it says no
  if (!wanted.confirmed) {
    const what =
      wanted.ideas === 0
        ? "Run the baseline"
        : wanted.ideas !== undefined && wanted.ideas > 0
          ? `Try ${wanted.ideas} ideas`
          : "Start a campaign";
    if (!(await confirm(`${what} in ${place(wanted.root)}?`, progress, "Start"))) return;
  }
  return session.command(Commands.start, { ...wanted, confirmed: true });
}

async function stop(session: Session, asked: Partial<Stop>): Promise<unknown> {
  const wanted = { why: "stopped in the editor", ...rooted(session, asked) };
  const title = "AutoSOTA: stopping, and waiting for everything below to end";
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () =>
    session.command(Commands.stop, wanted),
  );
}

async function setAutonomy(session: Session, asked: Partial<SetAutonomy>): Promise<unknown> {
  const wanted = rooted(session, asked);
  const progress = await now(session, wanted.root);
  const mode = wanted.mode ?? (await chooseMode(progress));
  if (mode === undefined) return;
  if (mode === "autonomous" && progress !== undefined) {
    if (!progress.has_objective) return offerObjective(progress);
    if (modeOf(progress.autonomy_ceiling) !== "autonomous") return offerCeiling(progress);
  }
  let confirmed = wanted.confirmed ?? false;
  if (mode === "autonomous" && !confirmed) {
    const question = `Let AutoSOTA run campaigns in ${place(wanted.root)} without asking again?`;
    if (!(await confirm(question, progress, "Switch to Autonomous"))) return;
    confirmed = true;
  }
  return session.command(Commands.setAutonomy, { ...wanted, mode, confirmed });
}

// ---------------------------------------------------------------------- questions

/** Whether the user wants what costs something; nothing is spent without their yes. */
async function confirm(
  question: string,
  progress: Progress | undefined,
  yes: string,
): Promise<boolean> {
  const most = progress?.may_spend
    ? `At most what the objective allows: ${progress.may_spend}`
    : "At most the budget of the objective";
  const folder = progress === undefined ? undefined : vscode.Uri.file(progress.root);
  const limit = vscode.workspace.getConfiguration(SECTION, folder).get<number>("budgetEvaluations");
  const less = limit ? `, and ${limit} runs (autosota.budgetEvaluations)` : "";
  const detail = `${most}${less}. You can stop it at any moment.`;
  const answer = await vscode.window.showWarningMessage(question, { modal: true, detail }, yes);
  return answer === yes;
}

async function chooseMode(progress: Progress | undefined): Promise<string | undefined> {
  const current = progress === undefined ? undefined : modeOf(progress.autonomy);
  const rows = MODES.map((mode) => ({
    label: `$(${MODE_ICONS[mode]}) ${mode}`,
    description: mode === current ? "now" : "",
    detail: MODE_WORDS[mode],
    mode,
  }));
  const chosen = await vscode.window.showQuickPick(rows, { title: "AutoSOTA: Autonomy" });
  return chosen?.mode;
}

async function askReason(session: Session, asked: Partial<AskReason>): Promise<unknown> {
  const { uri, edits, number } = asked;
  if (uri === undefined || edits === undefined || number === undefined) return;
  const reason = await vscode.window.showInputBox({
    title: `Suppress ${asked.code ?? "this warning"}`,
    prompt: "Why is it right as it is? The reason stands in the comment.",
    placeHolder: "such as: the split was made upstream",
    validateInput: (text) => (text.trim() ? undefined : "A suppression needs a reason"),
  });
  if (!reason?.trim()) return;
  return session.command(Commands.suppress, { uri, edits, number, reason: reason.trim() });
}

async function offerObjective(progress: Progress): Promise<void> {
  const make = "Set Up an Objective";
  const text = progress.note
    ? `AutoSOTA: ${progress.note}`
    : "AutoSOTA: there is no objective yet: what counts, how it is measured, and what it may cost.";
  const chosen = await vscode.window.showInformationMessage(text, make);
  if (chosen === make) await vscode.commands.executeCommand(Commands.setUp, { root: progress.root });
}

async function offerCeiling(progress: Progress): Promise<void> {
  const open = "Open autosota.toml";
  const text = `AutoSOTA: the objective allows at most "${progress.autonomy_ceiling}". Set autonomy.mode = "autonomous" there first.`;
  if ((await vscode.window.showInformationMessage(text, open)) !== open) return;
  const folder = vscode.Uri.file(progress.root);
  for (const name of ["autosota.toml", "pyproject.toml"]) {
    const uri = vscode.Uri.joinPath(folder, name);
    try {
      await vscode.workspace.fs.stat(uri);
    } catch {
      continue;
    }
    await vscode.window.showTextDocument(uri);
    return;
  }
}

async function tell(session: Session, error: unknown): Promise<void> {
  if (!(error instanceof NoServer)) {
    session.tell(error);
    return;
  }
  const text = "AutoSOTA's language server is not running.";
  const chosen = await vscode.window.showErrorMessage(text, "Restart", "Show Log");
  if (chosen === "Restart") await vscode.commands.executeCommand("autosota.restart");
  else if (chosen === "Show Log") session.log.show();
}

// ---------------------------------------------------------------------- the menu

async function menu(session: Session): Promise<void> {
  const root = session.activeRoot;
  const progress = root === undefined ? undefined : session.statuses.get(root);
  const trusted = vscode.workspace.isTrusted;
  const rows = menuItems({ state: session.state, trusted, progress }).map(row);
  const picker = vscode.window.createQuickPick<ReturnType<typeof row>>();
  picker.title = "AutoSOTA";
  picker.placeholder = root ?? "";
  picker.matchOnDetail = true;
  picker.items = rows;
  picker.activeItems = rows.filter((one) => one.item.active);
  const chosen = await new Promise<MenuItem | undefined>((resolve) => {
    picker.onDidAccept(() => resolve(picker.selectedItems[0]?.item));
    picker.onDidHide(() => resolve(undefined));
    picker.show();
  });
  picker.dispose();
  if (chosen?.command) {
    const words = chosen.argument === undefined ? [] : [chosen.argument];
    try {
      await vscode.commands.executeCommand(chosen.command, ...words);
    } catch (error) {
      await tell(session, error);
    }
  }
}

function row(item: MenuItem) {
  return item.heading
    ? { label: item.label, kind: vscode.QuickPickItemKind.Separator, item }
    : {
        label: `$(${item.icon}) ${item.label}`,
        description: item.description,
        detail: item.detail,
        item,
      };
}

// ---------------------------------------------------------------------- inside

/** What a caller handed over, if it is what one hands to a command of the server. */
function object(argument: unknown): Found {
  return typeof argument === "object" && argument !== null ? { ...argument } : {};
}

/** A root as a person calls it. */
function place(root: string | undefined): string {
  return root === undefined ? "this workspace" : basename(root);
}

/** The argument with the root that is meant when it names none. */
function rooted<T extends { root?: string }>(session: Session, argument: T): T {
  if (argument.root || session.activeRoot === undefined) return argument;
  return { ...argument, root: session.activeRoot };
}

/** How far the campaign is, asked when it was not told yet. */
async function now(session: Session, root: string | undefined): Promise<Progress | undefined> {
  const told = root === undefined ? undefined : session.statuses.get(root);
  if (told !== undefined && session.state === "ready") return told;
  const asked = await session.command(Commands.status, root === undefined ? {} : { root });
  return "state" in asked ? asked : undefined;
}

