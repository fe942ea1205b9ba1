import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogPart } from "../protocol";
import { Follow } from "./follow";

/** A log that grows, given in parts of at most `size` characters, as the server does. */
function log(size = 8) {
  const state = { text: "", stored: "", over: false, asked: [] as number[] };
  const ask = (offset: number): Promise<LogPart> => {
    state.asked.push(offset);
    if (state.stored) {
      return Promise.resolve({ text: state.stored, next: 1 << 30, ended: true, restart: offset > 0 });
    }
    const text = state.text.slice(offset, offset + size);
    const next = offset + text.length;
    return Promise.resolve({ text, next, ended: state.over && next === state.text.length, restart: false });
  };
  return { state, ask };
}

test("a log is read to its end, part by part, and then only what is new", async () => {
  const { state, ask } = log();
  const follow = new Follow(ask);
  assert.equal(await follow.more(), false);
  state.text = "epoch 1\nepoch 2\n";
  assert.equal(await follow.more(), true);
  assert.equal(follow.text, state.text);
  state.text += "done\n";
  state.over = true;
  await follow.more();
  assert.deepEqual([follow.text, follow.ended], [state.text, true]);
  const before = state.asked.length;
  assert.equal(await follow.more(), false);
  assert.equal(state.asked.length, before, "nothing is asked of a log that has ended");
});

test("two that want more at once share one question", async () => {
  const { state, ask } = log(100);
  state.text = "a\n";
  state.over = true;
  const follow = new Follow(ask);
  await Promise.all([follow.more(), follow.more()]);
  assert.deepEqual([follow.text, state.asked], ["a\n", [0]]);
});

test("of a long log the end is kept, from the beginning of a line", async () => {
  const { state, ask } = log(64);
  state.text = Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join("");
  const follow = new Follow(ask, 200);
  await follow.more();
  assert.ok(follow.cut && follow.text.length <= 200 && follow.text.endsWith("line 99\n"));
  assert.match(follow.text, /^line \d+\n/);
});

test("after a question that failed one can ask again", async () => {
  let fails = true;
  const follow = new Follow((offset) =>
    fails ? Promise.reject(new Error("no")) : Promise.resolve({ text: "a", next: offset + 1, ended: true, restart: false }),
  );
  await assert.rejects(follow.more());
  fails = false;
  assert.equal(await follow.more(), true);
});

test("a stored log takes the place of what was followed", async () => {
  const { state, ask } = log(100);
  state.text = "epoch 1\n";
  const follow = new Follow(ask);
  await follow.more();
  state.stored = "epoch 1\ndone\n";
  assert.equal(await follow.more(), true);
  assert.deepEqual([follow.text, follow.ended], [state.stored, true]);
});
