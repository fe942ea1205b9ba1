import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rootOf } from "./roots";

const roots = ["/lab", "/lab/inner", "/labing"];

test("the innermost root that the file lies in", () => {
  assert.equal(rootOf("/lab/inner/train.py", roots, [], undefined), "/lab/inner");
  assert.equal(rootOf("/lab/train.py", roots, [], undefined), "/lab");
  assert.equal(rootOf("/labing/train.py", roots, [], undefined), "/labing");
});

test("a file elsewhere, or none, leaves the root as it was while the root is there", () => {
  assert.equal(rootOf("/etc/x.py", roots, [], "/lab/inner"), "/lab/inner");
  assert.equal(rootOf(undefined, roots, [], "/gone"), "/lab");
});

test("before any file: the root of the first folder that has one, around it or in it", () => {
  assert.equal(rootOf(undefined, roots, ["/other", "/lab/inner/deep"], undefined), "/lab/inner");
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
