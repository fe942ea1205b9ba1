import assert from "node:assert/strict";
import { test } from "node:test";
import { jobNotice } from "./jobWords";
import type { Progress } from "./protocol";

const progress = { root: "/w", campaign: "c1", headline: "", state: "finished" } as Progress;
const ended = { job: "7", root: "/w", code: 0, message: "" };

test("a campaign that has finished is told with its headline and its report", () => {
  const notice = jobNotice(ended, { ...progress, headline: "+1.8 % confirmed." });
  assert.equal(notice?.text, "AutoSOTA: campaign c1 has finished. +1.8 % confirmed.");
  assert.equal(notice.kind, "information");
  assert.deepEqual(notice.buttons.map((one) => one.command), ["autosota.campaign.report"]);
});

test("one that could not begin says why, in its own words", () => {
  const failed = { ...ended, code: 2, message: "autosota.toml: budget.wall: not a duration" };
  const notice = jobNotice(failed, undefined);
  assert.equal(notice?.kind, "error");
  assert.match(notice.text, /budget\.wall: not a duration$/);
  assert.match(jobNotice({ ...ended, code: 3 }, undefined)?.text ?? "", /ended with 3.*\.autosota\/jobs/);
});

test("one that was killed can go on", () => {
  const notice = jobNotice({ ...ended, code: -9 }, { ...progress, state: "idle" });
  assert.equal(notice?.kind, "warning");
  assert.match(notice.text, /interrupted by signal 9/);
  assert.equal(notice.buttons[0]?.command, "autosota.resume");
});

test("what the user stopped is not told to them", () => {
  assert.equal(jobNotice(ended, { ...progress, state: "stopped" }), undefined);
  assert.equal(jobNotice({ ...ended, code: -15 }, undefined), undefined);
  assert.equal(jobNotice({ ...ended, code: -15 }, { ...progress, state: "none", campaign: "" }), undefined);
});
