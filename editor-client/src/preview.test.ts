import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkspaceEdit } from "vscode-languageclient/node";
import { ticked } from "./preview";

function edit(needsConfirmation: boolean): WorkspaceEdit {
  const range = { start: { line: 3, character: 0 }, end: { line: 4, character: 0 } };
  return {
    documentChanges: [
      {
        textDocument: { uri: "file:///w/train.py", version: 7 },
        edits: [{ range, newText: "model = Better()\n", annotationId: "a" }],
      },
    ],
    changeAnnotations: { a: { label: "Better", needsConfirmation, description: "audit: cleared" } },
  };
}

test("an edit that needs confirmation opens the preview, and what it does is ticked", () => {
  const before = edit(true);
  const after = ticked(before);
  assert.deepEqual(before, edit(true), "what the server sent is not touched");
  assert.deepEqual(after.documentChanges?.[0], before.documentChanges?.[0]);
  assert.deepEqual(after.changeAnnotations?.["a"], {
    label: "Better",
    needsConfirmation: false,
    description: "audit: cleared",
  });
  const asks = Object.entries(after.changeAnnotations ?? {}).filter(([, one]) => one.needsConfirmation);
  assert.equal(asks.length, 1);
});

test("the part that asks changes nothing, in the same version of the same document", () => {
  const [, added] = ticked(edit(true)).documentChanges ?? [];
  assert.ok(added !== undefined && "edits" in added);
  assert.deepEqual(added.textDocument, { uri: "file:///w/train.py", version: 7 });
  const [nothing] = added.edits;
  assert.ok(nothing !== undefined && "newText" in nothing);
  assert.equal(nothing.newText, "");
  assert.deepEqual(nothing.range.start, nothing.range.end);
});

test("an edit that asks for nothing stays as it is", () => {
  const plain = edit(false);
  assert.equal(ticked(plain), plain);
  const bare: WorkspaceEdit = { changes: {} };
  assert.equal(ticked(bare), bare);
});
