// The bulb on a model: a patch is previewed and applied; ideas are run, and the badge changes.

const LENS = ".codelens-decoration a";
const STATUS = "#autosota\\.autosota\\.autonomy";

export default async function (window) {
  await window.openFile("train.py");
  await window.shown(LENS, { text: /\d+ ideas?/, seconds: 60 });
  await window.shot("lenses");
  const line = window.read("train.py").split("\n").findIndex((l) => l.includes("LogisticRegression("));
  await window.goto(line + 1, 22);
  const before = await window.ideas();
  await window.shot("bulb");
  const first = before.find((row) => row.includes("PARAM"));
  await window.choose(first);
  await window.preview();
  await window.shot("preview");
  await window.acceptPreview();
  const was = window.read("train.py");
  const patched = await window.saved("train.py", (text) => text !== was);
  await window.shot("applied");
  await window.press("Control+Z"); // taken back like any edit
  await window.saved("train.py", (text) => text === was);

  await window.goto(1);
  await (await window.shown(LENS, { text: "Try 3 ideas", seconds: 60 })).click();
  await window.shown(".monaco-dialog-box");
  await window.shot("question");
  await window.confirm("Start");
  await window.shown(STATUS, { text: /\d+\/\d+ runs/, seconds: 60 });
  await window.shot("running");
  await window.goto(line + 1, 22);
  await window.shown(LENS, { text: /best \+.*confirmed/, seconds: 150 });
  await window.shot("confirmed");
  await window.goto(line + 1, 22);
  const after = await window.ideas();
  await window.shot("badges");
  await window.press("Escape");
  return { before, after, patched };
}
