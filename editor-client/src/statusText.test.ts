import assert from "node:assert/strict";
import { test } from "node:test";
import type { Progress } from "./protocol";
import { modeOf, spending, statusText, type Known } from "./statusText";

const idle: Progress = {
  root: "/home/her/digits",
  state: "none",
  campaign: "",
  verdict: "",
  doing: "",
  evaluations: 0,
  budget_evaluations: 40,
  wall_seconds: 0,
  budget_wall_seconds: 7200,
  dollars: null,
  budget_dollars: null,
  ideas: 0,
  ideas_tried: 0,
  headline: "",
  autonomy: "suggest",
  autonomy_ceiling: "autonomous",
  has_objective: true,
  note: "",
  may_spend: "40 runs, 2 h",
  revision: "",
};
const running: Progress = {
  ...idle,
  state: "running",
  campaign: "c-1",
  doing: "seed 3 of dropout",
  evaluations: 12,
  wall_seconds: 2100,
  dollars: 1.2,
  budget_dollars: 5,
  ideas: 9,
  ideas_tried: 4,
  autonomy: "autonomous",
};
const ready: Known = { state: "ready", trusted: true, progress: idle, alsoRunning: 0 };

test("at rest it says the mode and nothing else", () => {
  const shown = statusText(ready);
  assert.equal(shown.text, "$(lightbulb) AutoSOTA: suggest");
  assert.equal(shown.label, "AutoSOTA, autonomy suggest");
  assert.equal(shown.color, "plain");
});

test("a campaign that runs: runs, money and time are visible, each with its limit", () => {
  const shown = statusText({ ...ready, progress: running });
  assert.equal(
    shown.text,
    "$(sync~spin) AutoSOTA: autonomous · 12/40 runs · $1.20 of $5.00 · 35 min of 2 h",
  );
  assert.equal(
    shown.label,
    "AutoSOTA, autonomy autonomous, campaign c-1 is running, 12/40 runs, $1.20 of $5.00, 35 min of 2 h",
  );
  assert.match(shown.tooltip, /seed 3 of dropout/);
  assert.match(shown.tooltip, /4 of 9 ideas tried/);
});

test("what is not metered or not limited is not made up", () => {
  const free = { ...running, budget_evaluations: 0, dollars: null, budget_wall_seconds: 0 };
  assert.deepEqual(spending(free), ["12 runs", "35 min"]);
  assert.deepEqual(spending({ ...running, budget_dollars: null, wall_seconds: 0 }), ["12/40 runs", "$1.20"]);
});

test("the states of the server that a user can do something about stand out", () => {
  const colors = (["missing", "failed", "waiting", "starting", "stopped"] as const).map((state) => {
    const shown = statusText({ ...ready, state });
    assert.ok(shown.label.startsWith("AutoSOTA, "));
    return [state, shown.color];
  });
  assert.deepEqual(colors, [
    ["missing", "warning"],
    ["failed", "error"],
    ["waiting", "warning"],
    ["starting", "plain"],
    ["stopped", "plain"],
  ]);
});

test("a workspace that is not trusted has warnings only, whatever was heard before", () => {
  const shown = statusText({ ...ready, trusted: false, progress: running });
  assert.equal(shown.text, "$(shield) AutoSOTA: warnings only");
});

test("campaigns in other folders are told", () => {
  const shown = statusText({ ...ready, alsoRunning: 2 });
  assert.match(shown.label, /2 more running elsewhere/);
  assert.match(shown.tooltip, /2 campaigns more in other folders/);
});

test("words of the workspace are no markup in the tooltip", () => {
  const evil = { ...running, headline: "[click](command:autosota.start) <b>\n# x" };
  const { tooltip } = statusText({ ...ready, progress: evil });
  assert.ok(tooltip.includes("\\[click\\]\\(command:autosota\\.start\\) \\<b\\> \\# x"), tooltip);
});

test("a mode that this client does not know is the most careful one", () => {
  assert.equal(modeOf("autonomous"), "autonomous");
  assert.equal(modeOf("turbo"), "off");
});
