// A server that ends again and again: the pauses grow, it is given up, and the user's word
// starts it again.

const assert = require("assert");
const vscode = require("vscode");
const t = require("./suite");

const api = () => vscode.extensions.getExtension("autosota.autosota").activate();
const states = [];

async function end() {
  const { session, serverPid } = await api();
  await t.until(() => session.state === "ready" && serverPid(), "a server that is ready", 35);
  process.kill(serverPid(), "SIGKILL");
  await t.until(() => session.state !== "ready", "its end to be noticed");
}

exports.run = t.suite("crash", {
  "it is started again, each time after a longer pause": async () => {
    await t.open("leak.py");
    const { session } = await api();
    session.onState((state) => states.push([state, Date.now()]));
    await end();
    await end();
    await end();
    const pauses = [];
    for (const [n, [state, at]] of states.entries()) {
      if (state === "starting" && states[n - 1]?.[0] === "waiting") pauses.push(at - states[n - 1][1]);
    }
    assert.strictEqual(pauses.length, 2);
    assert.ok(pauses[0] >= 450 && pauses[1] >= 1900, `${pauses}`);
  },

  "the fifth end within minutes is the last": async () => {
    const { session } = await api();
    await end();
    await end();
    assert.strictEqual(session.state, "failed");
    assert.deepStrictEqual(t.servers(), []);
    await assert.rejects(session.command("autosota.status", {}), /not running/);
  },

  "a restart that is asked for begins afresh": async () => {
    const { session } = await api();
    await vscode.commands.executeCommand("autosota.restart");
    await t.until(() => session.state === "ready", "a server that is ready", 35);
    const document = await t.open("leak.py");
    await t.found(document.uri, (rows) => rows.length > 0);
    assert.strictEqual(t.servers().length, 1);
    await end();
    assert.strictEqual(session.state, "waiting");
  },
});
