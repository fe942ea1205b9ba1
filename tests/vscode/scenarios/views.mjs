// What a finished campaign left behind: its views, an idea's diff, a run's log, curves and
// receipt, the report, and the walkthrough. The campaign is that of `idea.mjs`.

const ROW = ".pane-body .monaco-list-row";

// The texts of the window once a page in it holds what is wanted.
const page = (window, wanted) => window.until(async () => {
  const words = await window.words();
  return wanted.test(words) && words;
}, `a page with ${wanted}`);

const shut = async (window) => {
  await window.command("View: Close All Editors");
  await window.gone(".tab");
};

export default async function (window) {
  await window.openFile("train.py"); // the server's root is that of a file
  await window.shown("#autosota\\.autosota\\.autonomy", { text: "suggest", seconds: 60 });
  await window.command("AutoSOTA: Focus on Campaign View");
  await window.shown(ROW, { text: /confirmed/, seconds: 60 });
  await window.shown(ROW, { text: /C 1\.0 → 10\.0/, seconds: 60 });
  const rows = await window.part(ROW).allInnerTexts();
  await window.shot("campaign");

  await (await window.shown(ROW, { text: /C 1\.0 → 10\.0/ })).click();
  await window.shown(".monaco-diff-editor .line-insert, .monaco-diff-editor .char-insert");
  await window.shot("diff");
  await shut(window);

  await window.command("AutoSOTA: Show Metrics");
  const metrics = await page(window, /Metrics of c1/);
  await window.shot("metrics");
  await shut(window);

  await window.command("AutoSOTA: Show Report");
  const report = await page(window, /What the interval covers/);
  await window.shot("report");
  await shut(window);

  await window.command("AutoSOTA: Focus on Runs View");
  const runs = `.pane:has(.pane-header:has-text("Runs")) .monaco-list-row`;
  await (await window.shown(runs, { text: "Baseline" })).click();
  await (await window.shown(`${runs}[aria-level="2"]`)).click();
  await window.shown(".tab.active");
  await page(window, /What was run/);
  await window.shot("run");
  await shut(window);

  await window.command("Welcome: Open Walkthrough...");
  await window.pick("AutoSOTA: the first five minutes");
  await window.shown(".getting-started-step, .getting-started-category", { text: "Have the server running" });
  await window.shot("walkthrough");
  return { rows, metrics, report };
}
