// With a Python extension beside ours (a stand-in, which speaks the real one's API and chooses
// what the command `fake.choose` says), and no interpreter named in the settings.

const assert = require("assert");
const fs = require("fs");
const vscode = require("vscode");
const t = require("./suite");

const session = async () =>
  (await vscode.extensions.getExtension("autosota.autosota").activate()).session;
const ready = async () => {
  const asked = await session();
  await t.until(() => asked.state === "ready", "a server that is ready", 35);
};

/** The one server: its program, and whether it was started by the script of `chosen`. */
function server() {
  const found = t.servers();
  if (found.length !== 1) return undefined;
  try {
    const read = (name) => fs.readFileSync(`/proc/${found[0]}/${name}`, "utf8").split("\0");
    const chosen = read("environ").includes("CHOSEN=1");
    return { pid: found[0], program: read("cmdline")[0], chosen };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function script(name, ...lines) {
  const path = t.inFolder(name).fsPath;
  fs.writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
  return path;
}

exports.run = t.suite("python", {
  "the environment of the Python extension is taken": async () => {
    await t.open("leak.py");
    await ready();
    const chosen = await vscode.commands.executeCommand("fake.chosen");
    assert.strictEqual(server().program, chosen);
    assert.strictEqual(server().chosen, false);
  },

  "one that has no server changes nothing, one that has it is followed": async () => {
    const first = server();
    const states = [];
    const listener = (await session()).onState((state) => states.push(state));
    const asked = t.inFolder("was-asked").fsPath;
    const without = script("without", `touch '${asked}'`, "exit 1");
    await vscode.commands.executeCommand("fake.choose", without);
    await t.until(() => fs.existsSync(asked), "the first choice to be asked");
    // choices are gone through one after the other
    const having = script("having", `CHOSEN=1 exec '${first.program}' "$@"`);
    await vscode.commands.executeCommand("fake.choose", having);
    await t.until(() => states.includes("ready"), "a server that is ready again", 35);
    listener.dispose();
    assert.deepStrictEqual(states, ["stopped", "starting", "ready"]);
    assert.strictEqual(server().chosen, true);
    assert.notStrictEqual(server().pid, first.pid);
  },

  "what the settings name comes first": async () => {
    const settings = vscode.workspace.getConfiguration("autosota");
    const { program } = server();
    await settings.update("interpreter", program, vscode.ConfigurationTarget.Workspace);
    await t.until(() => server()?.chosen === false, "the server of the setting", 35);
    await ready();
  },

  "a setting that leads nowhere is told, and nothing is taken in its place": async () => {
    const settings = vscode.workspace.getConfiguration("autosota");
    await settings.update("interpreter", "/nowhere/python", vscode.ConfigurationTarget.Workspace);
    const asked = await session();
    await t.until(() => asked.state === "missing", "no server", 35);
    assert.deepStrictEqual(t.servers(), []);
    await assert.rejects(asked.command("autosota.status", {}), /not running/);
    await settings.update("interpreter", undefined, vscode.ConfigurationTarget.Workspace);
    await ready();
  },
});
