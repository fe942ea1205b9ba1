// In a trusted workspace: a repository with an objective (train.py, evaluate.py), leak.py, and
// leak.ipynb. The files are this suite's own and may be changed.

const assert = require("assert");
const vscode = require("vscode");
const t = require("./suite");

const LEAK = "LK101";
const has = (wanted) => (rows) => rows.some((d) => t.code(d) === wanted);
const without = (unwanted) => (rows) => !rows.some((d) => t.code(d) === unwanted);
const REWRITE = vscode.CodeActionKind.RefactorRewrite.value;
const QUICK = vscode.CodeActionKind.QuickFix.value;

/** Line of the first occurrence, as an empty range there. */
function at(document, text) {
  const offset = document.getText().indexOf(text);
  assert.ok(offset >= 0, `${document.fileName} has no ${text}`);
  const place = document.positionAt(offset);
  return new vscode.Range(place, place);
}

exports.run = t.suite("trusted", {
  "a python file activates the extension": async () => {
    await t.open("leak.py");
    const extension = vscode.extensions.getExtension("autosota.autosota");
    assert.ok(extension, "autosota.autosota is not installed");
    await t.until(() => extension.isActive, "the extension to be active");
    await t.until(() => t.servers().length === 1, "one server");
  },

  "every command of the manifest is registered": async () => {
    const { packageJSON } = vscode.extensions.getExtension("autosota.autosota");
    const declared = packageJSON.contributes.commands.map((c) => c.command);
    const known = new Set(await vscode.commands.getCommands(true));
    assert.ok(declared.length > 5);
    assert.deepStrictEqual(declared.filter((c) => !known.has(c)), []);
  },

  "a leak in a script is found, with its rule's page and the other place": async () => {
    const document = await t.open("leak.py");
    const rows = await t.found(document.uri, has(LEAK), "LK101 in leak.py");
    const leak = rows.find((d) => t.code(d) === LEAK);
    assert.strictEqual(leak.range.start.line, 3);
    assert.match(leak.code.target.toString(), /LK101/i);
    assert.ok(leak.relatedInformation.length > 0);
    assert.strictEqual(leak.relatedInformation[0].location.uri.path, document.uri.path);
  },

  "a leak in a cell is found in its cell": async () => {
    const notebook = await vscode.workspace.openNotebookDocument(t.inFolder("leak.ipynb"));
    await vscode.window.showNotebookDocument(notebook);
    const cells = notebook.getCells();
    const rows = await t.found(cells[3].document.uri, has(LEAK), "LK101 in the last cell");
    assert.strictEqual(rows.find((d) => t.code(d) === LEAK).range.start.line, 0);
    assert.deepStrictEqual(t.ours(cells[1].document.uri), []);
  },

  "a quick fix of a cell is offered there": async () => {
    const notebook = vscode.workspace.notebookDocuments.find((n) => /leak/.test(n.uri.path));
    const cell = notebook.getCells()[3].document;
    const leak = t.ours(cell.uri).find((d) => t.code(d) === LEAK);
    const offered = await t.actions(cell.uri, leak.range, QUICK, 5);
    const fix = offered.find((a) => a.edit && a.title.includes(LEAK));
    assert.ok(fix, `no fix among ${offered.map((a) => a.title)}`);
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    await t.found(cell.uri, without(LEAK), "LK101 to be gone from the cell");
  },

  "findings follow typing": async () => {
    const document = await t.open("typed.py");
    const edit = new vscode.WorkspaceEdit();
    const leak = (await vscode.workspace.openTextDocument(t.inFolder("leak.py"))).getText();
    edit.insert(document.uri, new vscode.Position(0, 0), leak);
    await vscode.workspace.applyEdit(edit);
    await t.found(document.uri, has(LEAK), "LK101 in what was typed");
    await vscode.commands.executeCommand("undo");
    await t.found(document.uri, (rows) => rows.length === 0, "no finding after undo");
  },

  "a fix is listed without an edit, resolved with one, and does away with the finding": async () => {
    const document = await t.open("leak.py");
    const [leak] = (await t.found(document.uri, has(LEAK))).filter((d) => t.code(d) === LEAK);
    const listed = await t.actions(document.uri, leak.range, QUICK);
    assert.ok(listed.length >= 2, `${listed.map((a) => a.title)}`);
    const resolved = await t.actions(document.uri, leak.range, QUICK, listed.length);
    const fix = resolved.find((a) => a.isPreferred) ?? resolved.find((a) => a.edit);
    assert.ok(fix?.edit, `no edit among ${resolved.map((a) => a.title)}`);
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    await t.found(document.uri, without(LEAK), "LK101 to be gone");
    assert.match(document.getText(), /fit/);
    await vscode.commands.executeCommand("undo");
    await t.found(document.uri, has(LEAK), "LK101 after undo");
  },

  "a suppression asks for its reason by our command": async () => {
    const document = await t.open("leak.py");
    const [leak] = (await t.found(document.uri, has(LEAK))).filter((d) => t.code(d) === LEAK);
    const offered = await t.actions(document.uri, leak.range, `${QUICK}.autosota.suppress`, 9);
    const silence = offered.find((a) => a.command?.command === "autosota.askReason");
    assert.ok(silence, `${offered.map((a) => `${a.title}: ${a.command?.command}`)}`);
    const what = { ...silence.command.arguments[0], reason: "" };
    await assert.rejects(
      async () => vscode.commands.executeCommand("autosota.suppress", what), /reason/);
    await vscode.commands.executeCommand("autosota.suppress", { ...what, reason: "a toy" });
    await t.found(document.uri, without(LEAK), "LK101 to be silenced");
    assert.match(document.getText(), /# autosota: ?\S+.*a toy/);
    await vscode.commands.executeCommand("undo");
  },

  "ideas are offered on a model, annotated, applied and read again": async () => {
    const document = await t.open("train.py");
    const place = at(document, "LogisticRegression(C");
    const listed = await t.until(async () => {
      const rows = await t.actions(document.uri, place, REWRITE);
      return rows.length > 0 ? rows : undefined;
    }, "ideas on the model");
    assert.ok(listed.every((a) => a.kind.value.startsWith("refactor.rewrite.autosota")));
    const [idea] = await t.actions(document.uri, place, REWRITE, 1);
    const [entry] = idea.edit.entries();
    assert.strictEqual(entry[0].path, document.uri.path);
    assert.strictEqual(idea.command.command, "autosota.ideaApplied");
    const before = document.getText();
    assert.ok(await vscode.workspace.applyEdit(idea.edit));
    assert.notStrictEqual(document.getText(), before);
    const again = await vscode.commands.executeCommand(
      idea.command.command, ...idea.command.arguments);
    assert.deepStrictEqual(again, { as_drafted: true });
    await vscode.commands.executeCommand("undo");
    assert.strictEqual(document.getText(), before);
  },

  "lenses stand over the entry and the model": async () => {
    const document = await t.open("train.py");
    const titles = await t.until(async () => {
      const rows = await vscode.commands.executeCommand(
        "vscode.executeCodeLensProvider", document.uri, 99);
      const found = rows.map((r) => r.command?.title ?? "");
      return found.some((title) => /\d+ ideas?/.test(title)) ? found : undefined;
    }, "lenses");
    for (const wanted of ["Run baseline", "Try 3 ideas", "Start campaign"]) {
      assert.ok(titles.some((title) => title.includes(wanted)), `${wanted}: ${titles}`);
    }
  },

  "a server that is killed is started again, and what it knew is back": async () => {
    const document = await t.open("leak.py");
    await t.found(document.uri, has(LEAK));
    const [first] = t.servers();
    process.kill(first, "SIGKILL");
    await t.until(() => t.servers().some((pid) => pid !== first), "another server");
    await t.until(async () => {
      const rows = await t.actions(document.uri, at(document, "StandardScaler().fit"), QUICK);
      return rows.length > 0;
    }, "code actions of the new server");
    await t.found(document.uri, has(LEAK), "LK101 from the new server");
    assert.strictEqual(t.servers().length, 1);
  },

  "a changed log level starts another server": async () => {
    const [first] = t.servers();
    const settings = vscode.workspace.getConfiguration("autosota");
    await settings.update("logLevel", "info", vscode.ConfigurationTarget.Workspace);
    await t.until(() => {
      const now = t.servers();
      return now.length === 1 && now[0] !== first;
    }, "another server");
    await settings.update("logLevel", undefined, vscode.ConfigurationTarget.Workspace);
  },

  "findings can be switched off and on": async () => {
    const document = await t.open("leak.py");
    await t.found(document.uri, has(LEAK));
    const settings = vscode.workspace.getConfiguration("autosota");
    await settings.update("check.enable", false, vscode.ConfigurationTarget.Workspace);
    await t.found(document.uri, (rows) => rows.length === 0, "no findings");
    await settings.update("check.enable", undefined, vscode.ConfigurationTarget.Workspace);
    await t.found(document.uri, has(LEAK), "LK101 again");
  },
});
