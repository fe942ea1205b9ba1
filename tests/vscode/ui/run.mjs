// Runs one scenario in one window. usage: node run.mjs SCENARIO.mjs, its context as JSON on stdin.
// The last line of its output is JSON: {ok, message, screenshot, said, result}.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Window } from "./window.mjs";

const context = JSON.parse(readFileSync(0, "utf8"));
const { default: scenario } = await import(pathToFileURL(process.argv[2]));
const window = await Window.open(context);
let told = { ok: true };
try {
  told.result = await scenario(window, context);
} catch (error) {
  told = { ok: false, message: error.stack ?? String(error) };
}
told.screenshot = await window.shot(told.ok ? "end" : "failed").catch((error) => String(error));
told.said = window.said.slice(-10);
await window.close();
console.log(JSON.stringify(told));
