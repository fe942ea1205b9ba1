import assert from "node:assert/strict";
import { test } from "node:test";
import type { Board, Progress } from "../protocol";
import { type Ask, Boards, oneLine } from "./boards";

interface Question {
  root: string;
  campaign: string;
  until: AbortSignal;
  answer(revision: string): Promise<void>;
  fail(why: string): Promise<void>;
}

function progress(root: string, revision: string, more: Partial<Progress> = {}): Progress {
  return { root, revision, state: "running", campaign: "c1", doing: "", has_objective: true, ...more } as Progress;
}

/** A server that answers when it is told to, and the views' side of it. */
function asked(): { questions: Question[]; boards: Boards; seen: (string | undefined)[] } {
  const questions: Question[] = [];
  const ask: Ask = (root, campaign, until) =>
    new Promise((resolve, reject) => {
      const settled = () => new Promise<void>((done) => setImmediate(done));
      questions.push({
        root,
        campaign,
        until,
        answer: (revision) => {
          resolve({ root, revision, progress: progress(root, revision) } as Board);
          return settled();
        },
        fail: (why) => {
          reject(new Error(why));
          return settled();
        },
      });
    });
  const boards = new Boards(ask, 0);
  const seen: (string | undefined)[] = [];
  boards.onChange(() => seen.push(boards.board?.revision));
  return { questions, boards, seen };
}

const soon = () => new Promise<void>((done) => setTimeout(done, 5));

test("nothing is asked while nobody looks, and once when somebody does", async () => {
  const { questions, boards } = asked();
  boards.look("/w");
  boards.news(progress("/w", "1"));
  boards.news(progress("/w", "2"));
  assert.equal(questions.length, 0);
  boards.watch(true);
  boards.watch(true);
  assert.equal(questions.length, 1);
  await questions[0]?.answer("2");
  await soon();
  assert.equal(questions.length, 1);
  assert.equal(boards.board?.revision, "2");
});

test("news during a question leads to one more question, not to one for each", async () => {
  const { questions, boards } = asked();
  boards.watch(true);
  boards.look("/w");
  for (const revision of ["2", "3", "4"]) {
    boards.news(progress("/w", revision));
  }
  assert.equal(questions.length, 1);
  await questions[0]?.answer("1");
  await soon();
  assert.equal(questions.length, 2);
});

test("the same revision again is no news; time and money are shown without a question", async () => {
  const { questions, boards } = asked();
  boards.watch(true);
  boards.look("/w");
  await questions[0]?.answer("1");
  boards.news(progress("/w", "1"));
  await soon();
  const before = questions.length;
  await questions[1]?.answer("1");
  boards.news(progress("/w", "1", { wall_seconds: 99 }));
  await soon();
  assert.equal(questions.length, before);
  assert.equal(boards.board?.progress.wall_seconds, 99);
});

test("an answer about another workspace than the one that is looked at is dropped", async () => {
  const { questions, boards, seen } = asked();
  boards.watch(true);
  boards.look("/a");
  boards.look("/b");
  assert.equal(questions.length, 2);
  assert.equal(questions[0]?.until.aborted, true);
  await questions[1]?.answer("b1");
  await questions[0]?.answer("a1");
  assert.equal(boards.board?.root, "/b");
  assert.ok(!seen.includes("a1"));
  boards.news(progress("/a", "9"));
  await soon();
  assert.equal(questions.length, 2, "news of a workspace that is not shown");
});

test("what fails is one line, what was known stays, and it goes away with the next answer", async () => {
  const { questions, boards } = asked();
  boards.watch(true);
  boards.look("/w");
  await questions[0]?.answer("1");
  boards.refresh();
  await soon();
  await questions[1]?.fail("the ledger\n  cannot be read");
  assert.equal(boards.trouble, "the ledger cannot be read");
  assert.equal(boards.board?.revision, "1");
  boards.refresh();
  await soon();
  await questions[2]?.answer("2");
  assert.equal(boards.trouble, undefined);
});

test("an older campaign is not overwritten by news of the newest", async () => {
  const { questions, boards } = asked();
  boards.watch(true);
  boards.look("/w", "c1");
  await questions[0]?.answer("1");
  boards.news(progress("/w", "5", { campaign: "c2" }));
  await soon();
  assert.equal(questions.length, 1);
  assert.equal(boards.board?.progress.campaign, "c1");
  boards.look("/w");
  assert.deepEqual([questions.length, questions[1]?.campaign], [2, ""]);
});

test("after its end nothing is asked or told", async () => {
  const { questions, boards, seen } = asked();
  boards.watch(true);
  boards.look("/w");
  const before = seen.length;
  boards.dispose();
  await questions[0]?.answer("1");
  boards.refresh();
  await soon();
  assert.deepEqual([questions.length, seen.length], [1, before]);
});

test("an error is one line, of a length that a view can show", () => {
  assert.equal(oneLine(new Error("a\n b")), "a b");
  assert.equal(oneLine("x".repeat(1000)).length, 300);
  assert.equal(oneLine(new Error("")), "it failed without a word");
});
