import assert from "node:assert/strict";
import { test } from "node:test";
import type { Board, IdeaRow, Progress, RubricNode, RunRow } from "../protocol";
import { campaignRows, spent, standing } from "./campaign";
import { EVERYTHING, GROUPS, groupOf, matches, parse, written } from "./filter";
import { ideaRows, ideaText, plain } from "./ideas";
import { duration, type Row } from "./rows";
import { runRows } from "./runs";

const PROGRESS: Progress = {
  root: "/w",
  state: "running",
  campaign: "c2",
  verdict: "",
  doing: "seed 3 of the baseline",
  evaluations: 12,
  budget_evaluations: 30,
  wall_seconds: 250,
  budget_wall_seconds: 7200,
  dollars: 0.125,
  budget_dollars: 5,
  ideas: 9,
  ideas_tried: 2,
  headline: "",
  autonomy: "suggest",
  autonomy_ceiling: "suggest",
  has_objective: true,
  note: "",
  may_spend: "",
  revision: "7",
};

function node(id: string, state: RubricNode["state"], more: Partial<RubricNode> = {}): RubricNode {
  return { id, title: id, state, detail: "", receipts: [], children: [], ...more };
}

function idea(id: string, more: Partial<IdeaRow> = {}): IdeaRow {
  return {
    id,
    title: `Idea ${id}`,
    granularity: "PARAM",
    family: "",
    path: "train.py",
    line: 41,
    end_line: 42,
    symbol: "fit",
    paper: "Someone 2017",
    reason: "there is an SGD",
    expected: "",
    risk: "LOW",
    cost: 1,
    fate: "waiting",
    words: "not tried",
    why: "",
    gain: "",
    detail: "",
    badge: "",
    patch: "",
    verdict: "",
    findings: [],
    receipts: [],
    ...more,
  };
}

function run(id: string, more: Partial<RunRow> = {}): RunRow {
  return {
    id,
    purpose: "search",
    side: "baseline",
    idea: "",
    patch: "",
    seed: 0,
    state: "finished",
    began: "",
    wall_seconds: 12,
    metric: "val_accuracy",
    value: "0.91",
    note: "",
    isolation: "sealed",
    receipt: "ab",
    log: true,
    ...more,
  };
}

function board(more: Partial<Board> = {}): Board {
  const goal = node("goal", "open", {
    children: [
      node("baseline", "passed", { receipts: ["r1"], detail: "0.91, the paper says 0.9" }),
      node("guard:params", "failed"),
      node("controls", "capped"),
      node("confirm", "open"),
    ],
  });
  const base = { root: "/w", progress: PROGRESS, goal, ideas: [], runs: [], campaigns: [] };
  return { ...base, revision: "7", ...more };
}

function below(rows: readonly Row[] | undefined, id: string): Row {
  const found = rows?.find((row) => row.id === id);
  assert.ok(found, `no row ${id} in ${rows?.map((row) => row.id).join(", ")}`);
  return found;
}

function all(rows: readonly Row[]): Row[] {
  return rows.flatMap((row) => [row, ...all(row.children?.() ?? [])]);
}

test("progress says what is spent of what, and what is not limited has no limit", () => {
  assert.equal(spent(PROGRESS), "12 of 30 runs · 4 min of 2 h · $0.13 of $5.00");
  const free = { ...PROGRESS, budget_wall_seconds: 0, dollars: null, budget_dollars: null };
  assert.equal(spent({ ...free, budget_evaluations: 0 }), "12 runs · 4 min");
});

test("how a campaign stands: its verdict once it has one, and nobody drives it is said", () => {
  assert.equal(standing({ ...PROGRESS, state: "finished", verdict: "no_gain" }), "no gain");
  assert.equal(standing({ ...PROGRESS, state: "idle" }), "interrupted");
});

test("a campaign that kept something offers it", () => {
  const context = (more: Partial<Progress>) =>
    campaignRows(board({ progress: { ...PROGRESS, ...more } }))[0]?.context;
  assert.equal(context({ state: "finished", verdict: "confirmed" }), "progress kept");
  assert.equal(context({ state: "finished", verdict: "no_gain" }), "progress");
});

test("each state of the objective has an icon of another shape, and is told in words", () => {
  const goal = below(campaignRows(board()), "goal/goal");
  const rows = goal.children?.() ?? [];
  assert.equal(new Set(rows.map((row) => row.icon?.name)).size, 4);
  const spoken = rows.map((row) => row.spoken);
  assert.deepEqual(spoken, [
    "baseline, passed, 0.91, the paper says 0.9",
    "guard:params, failed",
    "controls, held, with a limit",
    "confirm, open",
  ]);
  assert.equal(goal.description, "1 failed, 1 limited, 1 passed, 1 open");
  assert.equal(below(rows, "goal/goal/baseline").context, "goal receipts");
  assert.equal(below(rows, "goal/goal/baseline").click?.command, "autosota.runs.receipt");
  assert.equal(below(rows, "goal/goal/confirm").click, undefined);
});

test("the campaign that is shown is not among the others", () => {
  const one = { id: "c1", started: "", state: "finished", verdict: "no_gain", headline: "" };
  const two = { ...one, id: "c2", state: "running" };
  const rows = campaignRows(board({ campaigns: [two, one] }));
  const others = below(rows, "earlier").children?.().map((row) => row.label);
  assert.deepEqual(others, ["c1: no gain"]);
  assert.equal(campaignRows(board({ campaigns: [two] })).at(-1)?.id, "goal/goal");
  const older = campaignRows(board({ campaigns: [two, one] }), "c1");
  assert.equal(older[0]?.label, "c1: no gain", "an older one is shown as what it was");
  assert.deepEqual(below(older, "earlier").children?.().map((row) => row.label), ["c2: running"]);
});

test("without a campaign there is a row that says so", () => {
  const rows = campaignRows(board({ progress: { ...PROGRESS, state: "none", campaign: "", may_spend: "30 runs and 2 h" } }));
  assert.equal(rows[0]?.label, "No campaign yet");
  assert.equal(rows[0]?.description, "may spend 30 runs and 2 h");
});

test("every fate has one group, and the groups come in their order", () => {
  const fates = GROUPS.flatMap((group) => group.fates as readonly string[]);
  assert.equal(new Set(fates).size, fates.length);
  const ideas = [idea("a"), idea("b", { fate: "noise" }), idea("c", { fate: "confirmed" })];
  const tags = ideaRows(ideas, EVERYTHING).map((row) => row.id);
  assert.deepEqual(tags, ["confirmed", "untried", "nogain"]);
  assert.equal(groupOf("a fate of next year").tag, "untried");
});

test("a filter is by words, granularity and group, and says itself again", () => {
  const dropout = idea("a", { title: "Dropout before the head", granularity: "CODE" });
  assert.ok(matches(dropout, parse("HEAD drop")));
  assert.ok(!matches(dropout, parse("dropout decay")));
  assert.ok(matches(dropout, parse("@code")) && !matches(dropout, parse("@param")));
  assert.ok(matches(dropout, parse("@unt")) && !matches(dropout, parse("@confirmed")));
  assert.ok(matches(dropout, parse("@")), "a tag that was only begun hides nothing");
  assert.deepEqual(parse("@nosuch").text, "@nosuch");
  const filter = parse("drop  out @algo @code @failed");
  assert.deepEqual(parse(written(filter)), {
    text: "drop out",
    granularities: ["CODE", "ALGO"],
    groups: ["failed"],
  });
});

test("what can be done with an idea depends on what there is", () => {
  const rows = (ideas: IdeaRow[]) => all(ideaRows(ideas, EVERYTHING));
  const context = (more: Partial<IdeaRow>) =>
    rows([idea("x", more)]).find((row) => row.subject?.kind === "idea")?.context;
  assert.equal(context({}), "idea nopatch refusable placed");
  const tried = { fate: "provisional", patch: "p1", receipts: ["r"] };
  assert.equal(context(tried), "idea patch appliable refusable receipts placed");
  const rejected = { fate: "rejected", badge: "rejected", patch: "p1", verdict: "rejected" } as const;
  assert.equal(context(rejected), "idea patch placed");
  assert.equal(context({ fate: "refused", path: "" }), "idea nopatch");
});

test("an idea's row has the gain, the fate, the audit and the place, for eyes and ears", () => {
  const one = idea("a", {
    fate: "confirmed",
    words: "in the confirmed change",
    gain: "+1.8 %",
    badge: "confirmed",
    verdict: "needs_review",
    findings: ["EV201 the evaluator is near"],
    patch: "p1",
  });
  const row = below(ideaRows([one], EVERYTHING)[0]?.children?.(), "confirmed/a");
  assert.deepEqual(
    [row.label, row.description],
    ["+1.8 % · Idea a", "audit: needs review · train.py:41"],
  );
  assert.match(row.spoken, /^Idea a, \+1\.8 %, in the confirmed change, audit needs review, param/);
  const audit = below(row.children?.(), "confirmed/a/audit");
  assert.equal(audit.open, true);
  assert.equal(audit.children?.()[0]?.label, "EV201 the evaluator is near");
});

test("ideas of a place stand alone, under its name", () => {
  const rows = ideaRows([idea("a")], EVERYTHING, { title: "train.py", ideas: [idea("b")] });
  assert.deepEqual(
    rows.map((row) => [row.label, row.children?.().map((one) => one.label)]),
    [["train.py", ["Idea b"]]],
  );
});

test("an idea as Markdown says nothing that the idea's text could turn into markup", () => {
  const text = ideaText(idea("a", { title: "<img src=x> [a](b)", findings: ["**no**"] }));
  assert.match(text, /^# \\<img src=x\\> \\\[a\\\]\\\(b\\\)\n/);
  assert.match(text, /- \\\*\\\*no\\\*\\\*\n/);
  assert.equal(plain("a\nb"), "a b");
});

test("runs that go on are first, and each run is under what it ran", () => {
  const runs = [
    run("r3", { state: "running", idea: "i1", side: "p1", wall_seconds: null, value: "" }),
    run("r2", { state: "crashed", idea: "i1", side: "p1", value: "", note: "exit code 1" }),
    run("r1"),
  ];
  const rows = runRows(runs, [idea("i1")]);
  assert.deepEqual(
    rows.map((row) => [row.label, row.description]),
    [
      ["Running now", "1"],
      ["Idea i1", "2 runs · 1 did not finish"],
      ["Baseline", "1 run"],
    ],
  );
  const [live, failed] = rows[1]?.children?.() ?? [];
  assert.equal(live?.click?.title, "Show Log");
  assert.equal(failed?.description, "crashed · exit code 1 · 12 s · sealed");
  assert.equal(rows[2]?.children?.()[0]?.spoken, "search, seed 0, finished, val_accuracy 0.91, 12 s, sealed");
});

test("no two rows of a view have the same id, and every row can be read aloud", () => {
  const ideas = GROUPS.flatMap((group, n) =>
    group.fates.map((fate) => idea(`${fate}${n}`, { fate, patch: "p", receipts: ["r1"] })),
  );
  const runs = [run("r1"), run("r2", { state: "running" }), run("r3", { side: "p9", patch: "p9" })];
  const views = [campaignRows(board()), ideaRows(ideas, EVERYTHING), runRows(runs, ideas)];
  for (const rows of views.map(all)) {
    assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
    assert.ok(rows.every((row) => row.spoken.trim() && row.label.trim()));
  }
});

test("500 ideas and 3,000 runs are rows within a few frames", () => {
  const ideas = Array.from({ length: 500 }, (_, n) => idea(`i${n}`));
  const runs = Array.from({ length: 3000 }, (_, n) => run(`r${n}`, { idea: `i${n % 500}`, side: "p" }));
  const begun = process.cpuUsage();
  const rows = [...all(ideaRows(ideas, parse("idea"))), ...all(runRows(runs, ideas))];
  const spentMicros = process.cpuUsage(begun).user;
  assert.ok(rows.length > 3500);
  assert.ok(spentMicros < 500_000, `${spentMicros} µs of CPU for every row of both views`);
});

test("durations are as long as a glance", () => {
  const all = [0.04, 8.25, 59.6, 250, 9000, Number.NaN].map(duration);
  assert.deepEqual(all, ["0 s", "8.3 s", "60 s", "4 min", "2.5 h", ""]);
});
