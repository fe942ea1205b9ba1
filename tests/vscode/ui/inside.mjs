// Has VS Code call `run()` of a test module inside its extension host, and waits for its end.
// The context comes as JSON on stdin; the last line of output is JSON: {ok, code, message, said}.

import { readFileSync } from "node:fs";
import { Window } from "./window.mjs";

const context = JSON.parse(readFileSync(0, "utf8"));
let end;
const ended = new Promise((done) => (end = done));
let window;
let told;
try {
  window = await Window.open(context, async (page) => {
    // names that the workbench calls when it was asked to run tests
    await page.exposeFunction("codeAutomationLog", (kind, words) => {
      console.error(`${kind}: ${words.join(" ")}`);
    });
    await page.exposeFunction("codeAutomationExit", (code) => end(code));
  });
  const late = new Promise((_, fail) => {
    const why = new Error(`no end after ${context.seconds} s`);
    setTimeout(() => fail(why), context.seconds * 1000).unref();
  });
  const code = await Promise.race([ended, late]);
  told = { ok: code === 0, code };
} catch (error) {
  told = { ok: false, message: error.stack ?? String(error) };
}
if (window) {
  if (!told.ok) told.screenshot = await window.shot("failed").catch((error) => String(error));
  told.said = window.said.slice(-10);
  await window.close();
}
console.log(JSON.stringify(told));
