// A row of cases inside the extension host, one after the other, each with a limit. Every case's
// end is a line of JSON in `$AUTOSOTA_TEST_RESULTS/<suite>.jsonl`: {name, ok, ms, message}.

const fs = require("fs");
const path = require("path");
const vscode = require("vscode");

const CASE_SECONDS = 60;

/** What VS Code calls: runs the cases, and throws when one failed. */
function suite(name, cases) {
  return async function run() {
    const results = path.join(process.env.AUTOSOTA_TEST_RESULTS, `${name}.jsonl`);
    fs.writeFileSync(results, "");
    const failed = [];
    for (const [title, body] of Object.entries(cases)) {
      const begun = Date.now();
      const told = { name: title, ok: true };
      try {
        await limited(body(), CASE_SECONDS, title);
      } catch (error) {
        Object.assign(told, { ok: false, message: error?.stack ?? String(error) });
        failed.push(title);
      }
      told.ms = Date.now() - begun;
      fs.appendFileSync(results, `${JSON.stringify(told)}\n`);
    }
    if (failed.length > 0) throw new Error(`failed: ${failed.join(", ")}`);
  };
}

async function limited(work, seconds, what) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: no end after ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a function gives something, and gives that. */
async function until(ask, what, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const folder = () => vscode.workspace.workspaceFolders[0].uri;
const inFolder = (name) => vscode.Uri.joinPath(folder(), name);

async function open(name) {
  const document = await vscode.workspace.openTextDocument(inFolder(name));
  await vscode.window.showTextDocument(document);
  return document;
}

const ours = (uri) => vscode.languages.getDiagnostics(uri).filter((d) => d.source === "autosota");
const code = (d) => (typeof d.code === "object" ? d.code.value : d.code);

/** Our findings of a document, once there are such as are wanted. */
const found = (uri, wanted, what) => until(() => {
  const rows = ours(uri);
  return wanted(rows) ? rows : undefined;
}, what ?? "findings");

/** Code actions at a place; the first `resolved` of them with their edits. */
const actions = (uri, range, kind, resolved = 0) =>
  vscode.commands.executeCommand("vscode.executeCodeActionProvider", uri, range, kind, resolved);

/** Processes of this extension host that serve the language: [{pid, words}]. */
function servers() {
  const rows = [];
  for (const pid of fs.readdirSync("/proc").filter((n) => /^\d+$/.test(n))) {
    try {
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const parent = /\) \S (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
      const serves = words.includes("autosota.lsp") || words.includes("lsp");
      if (Number(parent) === process.pid && serves) rows.push(Number(pid));
    } catch {
      // it has ended meanwhile
    }
  }
  return rows;
}

module.exports = { suite, until, folder, inFolder, open, ours, code, found, actions, servers };
