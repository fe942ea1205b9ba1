// In a notebook: a leak is seen in its cell and fixed there; then it is silenced with a reason.

const SQUIGGLE = ".cdr.squiggly-info, .cdr.squiggly-warning, .cdr.squiggly-error";
const FIX = "Learn from the training rows only, after the split (LK101)";

async function bulb(window) {
  const line = window.part(".notebookOverlay .view-line", "fit_transform").first();
  await line.click({ position: { x: 120, y: 8 } });
  await window.bulb();
}

export default async function (window) {
  await window.openFile("leak.ipynb");
  await window.shown(SQUIGGLE, { seconds: 40 });
  await window.shot("squiggle");
  await bulb(window);
  await window.shot("bulb");
  await window.choose(FIX);
  await window.gone(SQUIGGLE);
  await window.shot("fixed");
  const fixed = await window.saved("leak.ipynb", (text) => text.includes("fit_transform(X_train)"));

  await window.press("Control+Z");
  await window.shown(SQUIGGLE);
  await bulb(window);
  await window.choose("Suppress LK101 here, with a reason");
  await window.shown(".quick-input-widget input");
  await window.type("only to look at the data");
  await window.press("Enter");
  await window.gone(SQUIGGLE);
  const silenced = await window.saved("leak.ipynb", (text) => text.includes("autosota: ignore"));
  return { fixed, silenced };
}
