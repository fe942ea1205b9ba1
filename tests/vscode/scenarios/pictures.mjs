// The pictures of the extension's README: `write_pictures.py` opens a window of their size.

import { join } from "node:path";

const ROW = ".pane-body .monaco-list-row";

export default async function (window, context) {
  const picture = (name) => window.page.screenshot({ path: join(context.pictures, `${name}.png`) });
  const bare = async () => {
    await window.command("View: Toggle Primary Side Bar Visibility");
    await window.gone(".part.sidebar");
  };

  await window.openFile("evaluate_leaky.py");
  await bare();
  await window.shown(".cdr.squiggly-info, .cdr.squiggly-warning");
  await window.goto(7, 12);
  await window.bulb();
  await picture("fix");
  await window.press("Escape");

  await window.openFile("train.py");
  const line = window.read("train.py").split("\n").findIndex((l) => l.includes("LogisticRegression("));
  await window.shown(".codelens-decoration a", { text: /confirmed/, seconds: 60 });
  await window.goto(line + 1, 22);
  await window.ideas();
  await picture("ideas");
  await window.choose(/C 1\.0 → 10\.0/);
  await window.preview();
  await picture("preview");
  await (await window.shown(".bulk-edit-panel .monaco-button", { text: "Discard" })).click();

  await window.command("AutoSOTA: Focus on Campaign View");
  await window.shown(ROW, { text: "The baseline is reproduced", seconds: 60 });
  await window.command("AutoSOTA: Show Metrics");
  await window.until(async () => /order they were run/.test(await window.words()), "the chart");
  await picture("campaign");
}
