import assert from "node:assert/strict";
import { test } from "node:test";
import { PAUSES, Restarts, WINDOW } from "./restarts";

test("each end in a row waits longer than the one before, then it is given up", () => {
  const restarts = new Restarts();
  const said = [0, 1, 2, 3, 4].map((n) => restarts.ended(1000 * n));
  assert.deepEqual(
    said,
    [...PAUSES.map((wait, n) => ({ wait, first: n === 0 })), "give up"],
  );
  assert.ok(PAUSES.every((wait, n) => n === 0 || wait > (PAUSES[n - 1] ?? 0)));
});

test("ends that lie further back than the window are forgotten", () => {
  const restarts = new Restarts();
  for (let n = 0; n < 20; n++) {
    assert.deepEqual(restarts.ended(n * WINDOW), { wait: PAUSES[0], first: true });
  }
});

test("a loop that goes on after it was given up stays given up", () => {
  const restarts = new Restarts();
  for (let n = 0; n < PAUSES.length; n++) restarts.ended(n);
  assert.equal(restarts.ended(10), "give up");
  assert.equal(restarts.ended(11), "give up");
});

test("a restart that the user asked for begins with a clean slate", () => {
  const restarts = new Restarts();
  for (let n = 0; n <= PAUSES.length; n++) restarts.ended(n);
  restarts.forget();
  assert.deepEqual(restarts.ended(100), { wait: PAUSES[0], first: true });
});
