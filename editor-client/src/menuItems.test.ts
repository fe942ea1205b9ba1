import assert from "node:assert/strict";
import { test } from "node:test";
import { menuItems, type MenuItem } from "./menuItems";
import type { Progress } from "./protocol";

const progress: Progress = {
  root: "/w",
  state: "none",
  campaign: "",
  verdict: "",
  doing: "",
  evaluations: 0,
  budget_evaluations: 0,
  wall_seconds: 0,
  budget_wall_seconds: 0,
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

function items(change: Partial<Progress>, trusted = true): MenuItem[] {
  return menuItems({ state: "ready", trusted, progress: { ...progress, ...change } });
}

function find(listed: MenuItem[], label: string): MenuItem {
  const found = listed.find((one) => one.label === label);
  assert.ok(found, `${label} is not among ${listed.map((one) => one.label).join(", ")}`);
  return found;
}

test("the three modes are there, the one that holds is where the menu begins", () => {
  const listed = items({ autonomy: "off" });
  assert.deepEqual(
    listed.filter((one) => one.command === "autosota.setAutonomy").map((one) => one.active),
    [true, false, false],
  );
  assert.deepEqual(find(listed, "Autonomous").argument, { mode: "autonomous", root: "/w" });
});

test("a mode above what the objective allows says what to change", () => {
  const limited = find(items({ autonomy_ceiling: "suggest" }), "Autonomous");
  assert.match(limited.detail, /at most suggest \(autonomy\.mode in autosota\.toml\)/);
  const none = find(items({ autonomy_ceiling: "suggest", has_objective: false }), "Autonomous");
  assert.match(none.detail, /needs an objective/);
});

test("while a campaign runs it can be stopped, and none can be started", () => {
  const listed = items({ state: "running", campaign: "c1", doing: "seed 2" });
  assert.equal(find(listed, "Stop").detail, "Campaign c1 is running: seed 2");
  assert.deepEqual(find(listed, "Stop").argument, { root: "/w" });
  assert.ok(listed.every((one) => one.command !== "autosota.start"));
});

test("before one runs: the budget stands beside the start; what was stopped can go on", () => {
  assert.equal(find(items({}), "Start Campaign").description, "at most 40 runs, 2 h");
  assert.deepEqual(find(items({}), "Run Baseline").argument, { root: "/w", ideas: 0 });
  assert.equal(find(items({ state: "stopped", campaign: "c1" }), "Resume c1").command, "autosota.resume");
  assert.ok(items({}).every((one) => one.label !== "Show Report"));
  find(items({ state: "finished", campaign: "c1" }), "Show Report");
});

test("without an objective one is set up, and nothing is started", () => {
  const listed = items({ has_objective: false });
  find(listed, "Set Up an Objective");
  assert.ok(listed.every((one) => one.command !== "autosota.start"));
});

test("without trust or without a server only what helps is there", () => {
  const commands = (listed: MenuItem[]) => listed.map((one) => one.command).filter(Boolean);
  const always = ["autosota.showLog", "autosota.restart", "workbench.action.openSettings"];
  assert.deepEqual(commands(items({}, false)), ["workbench.trust.manage", ...always]);
  assert.deepEqual(commands(menuItems({ state: "missing", trusted: true, progress })), [
    "autosota.createEnvironment",
    "autosota.chooseInterpreter",
    ...always,
  ]);
  assert.deepEqual(commands(menuItems({ state: "failed", trusted: true, progress })), always);
});
