import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "./processes";

const cwd = tmpdir();

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("the words and the exit code of a program that ends by itself", async () => {
  const script = "console.log('one\\ntwo'); console.error('three'); process.exitCode = 3";
  const lines: string[] = [];
  const ended = await run(process.execPath, ["-e", script], {
    cwd,
    milliseconds: 20_000,
    onLine: (line) => lines.push(line),
  });
  assert.deepEqual(ended, { code: 3, out: "one\ntwo\n", err: "three\n", why: "" });
  assert.deepEqual(lines.sort(), ["one", "three", "two"]);
});

test("a program that is not there is no exception", async () => {
  const ended = await run(join(cwd, "no such program"), [], { cwd, milliseconds: 20_000 });
  assert.equal(ended.code, null);
  assert.equal(ended.why, "there is no such program");
});

test("what takes too long is ended", async () => {
  const script = "setInterval(() => {}, 1000)";
  const ended = await run(process.execPath, ["-e", script], { cwd, milliseconds: 500 });
  assert.equal(ended.code, null);
  assert.equal(ended.why, "it did not end within 0.5 s");
});

test("what was cancelled has ended, with what it has started", async () => {
  const child = "console.log(process.pid); setInterval(() => {}, 1000)";
  const parent = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}],
    {stdio: "inherit"}); setInterval(() => {}, 1000)`;
  const stop = new AbortController();
  const ended = await run(process.execPath, ["-e", parent], {
    cwd,
    milliseconds: 60_000,
    signal: stop.signal,
    onLine: () => stop.abort(),
  });
  assert.equal(ended.why, "it was cancelled");
  assert.ok(Number(ended.out) > 0);
  assert.equal(alive(Number(ended.out)), false);
});
