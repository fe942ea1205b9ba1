// A folder that is not trusted has warnings only; once it is trusted the rest is there.

const STATUS = "#autosota\\.autosota\\.autonomy";
const LENS = ".codelens-decoration a";

export default async function (window) {
  await window.openFile("train.py");
  await window.shown(STATUS, { text: "warnings only", seconds: 60 });
  await (await window.shown(`${STATUS} a`)).click();
  await window.shown(".quick-input-widget", { text: "Workspace Trust" });
  await window.shot("menu");
  const before = await window.part(LENS).count();
  await window.pick("Manage Workspace Trust");
  await (await window.shown(".workspace-trust-editor .monaco-button", { text: /Trust/ })).click();
  await window.shown(STATUS, { text: "suggest", seconds: 60 });
  await window.openFile("train.py");
  await window.shown(LENS, { text: /\d+ ideas?/, seconds: 60 });
  await window.shot("trusted");
  return { before };
}
