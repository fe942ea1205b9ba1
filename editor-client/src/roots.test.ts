import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rootOf } from "./roots";

const roots = ["/work", "/work/inner", "/working"];

test("the innermost root that the file lies in", () => {
  assert.equal(rootOf("/work/inner/train.py", roots, [], undefined), "/work/inner");
  assert.equal(rootOf("/work/train.py", roots, [], undefined), "/work");
  assert.equal(rootOf("/working/train.py", roots, [], undefined), "/working");
});

test("a file elsewhere, or none, leaves the root as it was while the root is there", () => {
  assert.equal(rootOf("/etc/x.py", roots, [], "/work/inner"), "/work/inner");
  assert.equal(rootOf(undefined, roots, [], "/gone"), "/work");
});

test("before any file: the root of the first folder that has one, around it or in it", () => {
  assert.equal(rootOf(undefined, roots, ["/other", "/work/inner/deep"], undefined), "/work/inner");
  assert.equal(rootOf(undefined, ["/a/b"], ["/a"], undefined), "/a/b");
  assert.equal(rootOf(undefined, [], ["/a"], undefined), undefined);
});

test("links are followed: the server names real paths", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "autosota-")));
  mkdirSync(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  assert.equal(rootOf(join(folder, "link"), [join(folder, "real")], [], undefined), join(folder, "real"));
  rmSync(folder, { recursive: true });
});
