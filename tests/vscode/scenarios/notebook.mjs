// In a notebook: a leak is seen in its cell and fixed there; a model in a cell has its ideas.

const SQUIGGLE = ".cdr.squiggly-info, .cdr.squiggly-warning, .cdr.squiggly-error";

export default async function (window) {
  await window.openFile("leak.ipynb");
  await window.shown(".notebookOverlay .cell .monaco-editor .view-lines", { text: "StandardScaler" });
  await window.shown(SQUIGGLE, { seconds: 30 });
  await window.shot("squiggle");
  const line = window.part(".notebookOverlay .view-line", "fit_transform").first();
  await line.click({ position: { x: 120, y: 8 } });
  const rows = await window.bulb();
  const fix = rows.find((row) => row.includes("LK101"));
  await window.shot("bulb");
  await window.choose(fix);
  await window.gone(SQUIGGLE);
  await window.shot("fixed");
  const fixed = await window.saved("leak.ipynb", (text) => text.includes("fit_transform(X_train)"));

  const model = window.part(".notebookOverlay .view-line", "RandomForestClassifier(n").first();
  await model.click({ position: { x: 160, y: 8 } });
  const ideas = await window.ideas();
  await window.shot("ideas");
  await window.choose(ideas.find((row) => row.includes("n_estimators")));
  await window.preview();
  await window.shot("preview");
  await window.acceptPreview();
  const improved = await window.saved("leak.ipynb", (text) => !text.includes("n_estimators=100"));
  await window.shot("applied");
  return { fixed, improved, ideas };
}
