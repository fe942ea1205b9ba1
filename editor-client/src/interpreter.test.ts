import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates, choose, PROBE, read, summary, type Answered } from "./interpreter";

const found = {
  setting: "",
  python: ["/project/.venv/bin/python"],
  managed: "/storage/environment/bin/python",
  path: ["/usr/bin/python3"],
};

test("the Python extension's environment comes first, then ours, then the search path", () => {
  assert.deepEqual(
    candidates(found).map((one) => one.source),
    ["python extension", "managed environment", "path"],
  );
});

test("a setting is the only candidate: what the user named is not replaced behind their back", () => {
  assert.deepEqual(candidates({ ...found, setting: "/opt/python" }), [
    { source: "setting", path: "/opt/python" },
  ]);
});

test("one interpreter is asked once", () => {
  const twice = candidates({ ...found, python: ["/usr/bin/python3", "/usr/bin/python3"] });
  assert.deepEqual(
    twice.map((one) => one.path),
    ["/usr/bin/python3", "/storage/environment/bin/python"],
  );
});

test("the first that answers is taken, and those before it have a reason", async () => {
  const asked: string[] = [];
  const probe = async (path: string): Promise<Answered> => {
    asked.push(path);
    return path.startsWith("/storage")
      ? { version: "0.1.0", python: "3.12.1" }
      : { why: "autosota is not installed there" };
  };
  const choice = await choose(candidates(found), probe);
  assert.equal(choice.chosen?.source, "managed environment");
  assert.deepEqual(asked, ["/project/.venv/bin/python", "/storage/environment/bin/python"]);
  assert.deepEqual(
    choice.refused.map((one) => [one.candidate.path, one.why]),
    [["/project/.venv/bin/python", "autosota is not installed there"]],
  );
});

test("when none answers the message says what the user can change", async () => {
  const probe = async (): Promise<Answered> => ({ why: "there is no such program" });
  const none = await choose(candidates(found), probe);
  assert.equal(none.chosen, undefined);
  assert.equal(summary(none), "No Python environment here has AutoSOTA installed.");
  const named = await choose(candidates({ ...found, setting: "/opt/python" }), probe);
  assert.equal(
    summary(named),
    "/opt/python (the setting autosota.interpreter) cannot run AutoSOTA: there is no such program.",
  );
  assert.equal(summary({ chosen: undefined, refused: [] }), "No Python was found to run AutoSOTA with.");
});

test("what a probe may answer", () => {
  const ended = { code: 0 as number | null, out: "", err: "", why: "" };
  assert.deepEqual(read({ ...ended, out: 'hello from sitecustomize\n{"version": "1", "python": "3.11.2"}\n' }), {
    version: "1",
    python: "3.11.2",
  });
  assert.deepEqual(read({ ...ended, out: "v20.1" }), { why: "it does not answer like Python: v20.1" });
  assert.deepEqual(read({ ...ended, out: "null" }), { why: "it does not answer like Python: null" });
  assert.deepEqual(
    read({ ...ended, code: 1, err: "Traceback…\nModuleNotFoundError: No module named 'autosota'\n" }),
    { why: "autosota is not installed there" },
  );
  assert.deepEqual(read({ ...ended, code: 1, err: "Traceback…\nImportError: broken\n" }), {
    why: "ImportError: broken",
  });
  assert.deepEqual(read({ ...ended, code: null, why: "it did not end within 10 s" }), {
    why: "it did not end within 10 s",
  });
});

test("the probe asks for the package that is started", () => {
  assert.match(PROBE, /^import autosota\.lsp$/m);
});
