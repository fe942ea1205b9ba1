// In a workspace that is not trusted: findings, and nothing else. leak.py and train.py.

const assert = require("assert");
const fs = require("fs");
const vscode = require("vscode");
const t = require("./suite");

exports.run = t.suite("untrusted", {
  "the workspace is not trusted, and findings are shown": async () => {
    assert.strictEqual(vscode.workspace.isTrusted, false);
    const document = await t.open("leak.py");
    await t.found(document.uri, (rows) => rows.some((d) => t.code(d) === "LK101"), "LK101");
  },

  "no idea is offered and no lens is shown": async () => {
    const document = await t.open("train.py");
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const kind = vscode.CodeActionKind.RefactorRewrite.value;
    // what is not there cannot be waited for: in a trusted workspace it is there by now
    for (const end = Date.now() + 3000; Date.now() < end; ) {
      assert.deepStrictEqual(await t.actions(document.uri, whole, kind), []);
      const lenses = await vscode.commands.executeCommand(
        "vscode.executeCodeLensProvider", document.uri, 9);
      assert.deepStrictEqual(lenses, []);
      await new Promise((done) => setTimeout(done, 200));
    }
  },

  "a campaign is refused": async () => {
    const root = t.folder().fsPath;
    await assert.rejects(async () =>
      vscode.commands.executeCommand("autosota.start", { root, confirmed: true }));
    assert.ok(!fs.existsSync(`${root}/.autosota`));
  },

  "an interpreter that the workspace names is not run": async () => {
    const root = t.folder().fsPath;
    assert.ok(!fs.existsSync(`${root}/was-run`), "the workspace's interpreter was run");
    assert.strictEqual(t.servers().length, 1);
  },
});
