// An edit that is to be looked at first. VS Code opens its preview when any part of an edit needs
// confirmation, and leaves such parts out until each is ticked; who has chosen an idea by name
// wants all of it or nothing. So a part that changes nothing asks for the preview, and the others
// are ticked.

import type { WorkspaceEdit } from "vscode-languageclient/node";

/** The end of any document: positions behind it count as it. The list shows its empty line. */
const END = 2 ** 31 - 1;

/** The same edit, which opens the preview with all of its parts ticked. */
export function ticked(edit: WorkspaceEdit): WorkspaceEdit {
  const annotations = edit.changeAnnotations ?? {};
  const asked = Object.values(annotations).find((one) => one.needsConfirmation);
  const first = edit.documentChanges?.find((change) => "edits" in change);
  if (asked === undefined || first === undefined) return edit;
  const end = { line: END, character: 0 };
  const nothing = {
    range: { start: end, end },
    newText: "",
    annotationId: "preview",
  };
  const looked = { textDocument: first.textDocument, edits: [nothing] };
  return {
    ...edit,
    documentChanges: [...(edit.documentChanges ?? []), looked],
    changeAnnotations: {
      ...Object.fromEntries(
        Object.entries(annotations).map(([id, one]) => [id, { ...one, needsConfirmation: false }]),
      ),
      preview: { label: asked.label, needsConfirmation: true },
    },
  };
}
