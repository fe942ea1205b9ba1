// A leak is typed, seen, fixed; then it is silenced with a reason instead. At the end the server
// is killed: that is told, and findings go on.

import { readdirSync, readFileSync } from "node:fs";

const MARK = "AUTOSOTA_TEST_VSCODE"; // the same in every process of this VS Code

const LINES = [
  "from sklearn.linear_model import LogisticRegression",
  "from sklearn.model_selection import train_test_split",
  "from sklearn.preprocessing import StandardScaler",
  "",
  "",
  "def score(X, y):",
  "    X = StandardScaler().fit_transform(X)",
  "    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)",
  "    model = LogisticRegression().fit(X_train, y_train)",
  "    return model.score(X_test, y_test)",
];
const SQUIGGLE = ".cdr.squiggly-info, .cdr.squiggly-warning, .cdr.squiggly-error";
const FIX = "Learn from the training rows only, after the split (LK101)";
const SILENCE = "Suppress LK101 here, with a reason";

function killServers() {
  const own = `${MARK}=${process.env[MARK]}`;
  let killed = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const marked = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(own);
      if (!marked || !words.includes("autosota.lsp")) continue;
      process.kill(Number(pid), "SIGKILL");
      killed += 1;
    } catch {
      // it has ended meanwhile
    }
  }
  return killed;
}

export default async function (window) {
  await window.openFile("typed.py");
  for (const line of LINES) {
    await window.type(line);
    await window.press("Enter");
    if (line.includes("fit_transform")) {
      // half of it: nothing is split yet, so there is nothing to say
      if (await window.part(SQUIGGLE).count()) throw new Error("a finding before its reason");
    }
  }
  await window.shown(SQUIGGLE);
  await window.goto(7, 12);
  await window.press("Control+K", "Control+I"); // the hover
  await window.shown(".monaco-hover", { text: "LK101" });
  await window.shot("hover");
  await window.press("Escape");
  const rows = await window.bulb();
  for (const wanted of [FIX, SILENCE]) {
    if (!rows.includes(wanted)) throw new Error(`no "${wanted}" in ${JSON.stringify(rows)}`);
  }
  await window.shot("bulb");
  await window.choose(FIX);
  await window.gone(SQUIGGLE);
  await window.shot("fixed");
  const fixed = await window.saved("typed.py", (text) => text.includes("fit_transform(X_train)"));

  await window.press("Control+Z");
  await window.shown(SQUIGGLE);
  await window.goto(7, 12);
  await window.bulb();
  await window.choose(SILENCE);
  await window.shown(".quick-input-widget input");
  await window.shot("reason");
  await window.type("the paper did it so");
  await window.press("Enter");
  await window.gone(SQUIGGLE);
  const silenced = await window.saved("typed.py", (text) => text.includes("autosota: ignore"));
  await window.shot("silenced");

  const killed = killServers();
  await window.shown(".notification-toast", { text: "is being started again" });
  await window.shot("crashed");
  await window.press("Control+Z"); // the comment, and so the silence
  await window.shown(SQUIGGLE, { seconds: 60 });
  return { fixed, silenced, killed };
}
