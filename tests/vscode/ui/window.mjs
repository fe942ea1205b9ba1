// A window of VS Code, driven like a person drives it: by keys, by the mouse, by what is shown.
// Every wait ends by something that can be seen, or fails with its name. It knows nothing of our
// extension but the names of VS Code's own parts.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
  "--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync",
];
const SECONDS = 30;

export class Window {
  // `before` is given the page before it is opened. context: {folder, browser, url, workspace, screens}
  static async open(context, before = async () => {}) {
    const require = createRequire(join(context.folder, "package.json"));
    const { chromium } = require("playwright-core");
    const browser = await chromium.launch({ executablePath: context.browser, args: FLAGS });
    const view = await browser.newContext({
      viewport: { width: context.width ?? 1280, height: context.height ?? 800 },
      serviceWorkers: "allow",
    });
    const page = await view.newPage();
    page.setDefaultTimeout(SECONDS * 1000);
    const window = new Window(browser, page, context);
    page.on("console", (message) => {
      if (message.type() === "error") window.said.push(message.text());
    });
    await before(page);
    // nothing is asked of any other machine
    await view.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
    await page.goto(context.url, { timeout: 60_000 });
    await window.shown(".monaco-workbench .part.statusbar", { seconds: 60 });
    return window;
  }

  constructor(browser, page, context) {
    Object.assign(this, { browser, page, context, said: [], shots: [] });
    mkdirSync(context.screens, { recursive: true });
  }

  async close() {
    // leaving the page tells the server, which ends the extension host
    await this.page.goto("about:blank").catch(() => {});
    await this.browser.close();
  }

  async shot(name) {
    const number = String(this.shots.length + 1).padStart(2, "0");
    const path = join(this.context.screens, `${number}-${name}.png`);
    this.shots.push(path);
    await this.page.screenshot({ path });
    return path;
  }

  // A part of the window, by CSS and what it says.
  part(selector, text) {
    const found = this.page.locator(selector);
    return text === undefined ? found : found.filter({ hasText: text });
  }

  async shown(selector, { text, seconds = SECONDS } = {}) {
    const found = this.part(selector, text).first();
    await waiting(found.waitFor({ state: "visible", timeout: seconds * 1000 }), seconds,
      `${selector}${text === undefined ? "" : ` with ${text}`} to be shown`);
    return found;
  }

  async gone(selector, { text, seconds = SECONDS } = {}) {
    const shown = this.part(selector, text).filter({ visible: true });
    await this.until(async () => (await shown.count()) === 0,
      `${selector}${text === undefined ? "" : ` with ${text}`} to be gone`, seconds);
  }

  // Waits until a function gives something; gives that.
  async until(ask, what, seconds = SECONDS) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const found = await ask();
      if (found) return found;
      if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text) {
    await this.page.keyboard.type(text);
  }

  // A line of the list that quick open and the palette show.
  async pick(text, seconds) {
    const row = await this.shown(".quick-input-widget .quick-input-list .monaco-list-row", {
      text, seconds });
    await row.click();
  }

  // Runs a command by its title, as in the palette.
  async command(title) {
    await this.press("F1");
    await this.shown(".quick-input-widget");
    await this.page.keyboard.insertText(`>${title}`);
    await this.pick(title);
  }

  async openFile(name) {
    await this.press("Control+P");
    await this.shown(".quick-input-widget");
    await this.page.keyboard.insertText(name);
    await this.pick(name);
    await this.shown(".tab.active", { text: name });
    await this.gone(".quick-input-widget .monaco-list-row");
    // keys that come before it has the focus would be lost
    if (!name.endsWith(".ipynb")) await this.shown(".editor-instance .monaco-editor.focused");
  }

  // Puts the cursor somewhere; lines and columns count from 1.
  async goto(line, column = 1) {
    await this.press("Control+G");
    await this.shown(".quick-input-widget");
    await this.page.keyboard.insertText(`:${line}:${column}`);
    await this.press("Enter");
    await this.shown("#status\\.editor\\.selection", { text: new RegExp(`Ln ${line}, Col`) });
  }

  // What the light bulb lists; the menu stays open.
  async bulb(keys = "Control+.") {
    await this.press(keys);
    await this.shown(".action-widget .monaco-list-row");
    const rows = await this.part(".action-widget .monaco-list-row").allInnerTexts();
    return rows.map((row) => row.trim());
  }

  // Takes a line of the open menu, by the arrow keys.
  async choose(text) {
    const rows = await this.part(".action-widget .monaco-list-row.action").count();
    for (let tried = 0; tried <= rows; tried++) {
      const focused = this.part(".action-widget .monaco-list-row.focused", text);
      if (await focused.count()) {
        await this.press("Enter");
        return this.gone(".action-widget .monaco-list-row");
      }
      await this.press("ArrowDown");
    }
    throw new Error(`the menu has no ${text}`);
  }

  // What can be done with the code at the cursor, by the menu of refactorings; it stays open.
  async ideas(seconds = 40) {
    return this.until(async () => {
      await this.press("Control+Shift+R");
      const rows = this.part(".action-widget .monaco-list-row.action");
      const end = Date.now() + 3000; // else it said that there are none, and is asked again
      while (Date.now() < end && !(await rows.count())) {
        await new Promise((done) => setTimeout(done, 50));
      }
      const found = (await rows.allInnerTexts()).map((row) => row.trim());
      if (found.some((row) => /PARAM|CODE|ALGO/.test(row))) return found;
      await this.press("Escape");
    }, "ideas at the cursor", seconds);
  }

  // The panel that shows an edit before it is made.
  async preview() {
    await this.shown(".bulk-edit-panel .monaco-list-row");
  }

  // Applies what the panel has ticked by itself.
  async acceptPreview() {
    await (await this.shown(".bulk-edit-panel .monaco-button", { text: "Apply" })).click();
    await this.gone(".bulk-edit-panel .monaco-list-row");
  }

  // A button of a dialogue.
  async confirm(text) {
    await (await this.shown(".monaco-dialog-box .monaco-button", { text })).click();
    await this.gone(".monaco-dialog-box");
  }

  // Every text of the window, pages in frames included: also of those that may run no scripts,
  // which is why the browser is asked and not the page.
  async words() {
    const targets = [this.page, ...this.page.frames()];
    const sessions = await Promise.all(targets.map((target) =>
      this.page.context().newCDPSession(target).catch(() => undefined)));
    const found = [];
    for (const session of sessions.filter(Boolean)) {
      const shot = await session.send("DOMSnapshot.captureSnapshot", { computedStyles: [] })
        .catch(() => ({ strings: [] }));
      found.push(...shot.strings);
      await session.detach().catch(() => {});
    }
    return found.join("\n");
  }

  read(name) {
    return readFileSync(join(this.context.workspace, name), "utf8");
  }

  // Saves, and waits until the file says what it should.
  async saved(name, wanted, seconds = SECONDS) {
    await this.press("Control+S");
    return this.until(() => wanted(this.read(name)) && this.read(name), `${name} as it should be`,
      seconds);
  }

  async notifications() {
    return this.part(".notification-toast .notification-list-item-message").allInnerTexts();
  }

  async answer(button, text) {
    const toast = await this.shown(".notification-toast", { text });
    await toast.locator(".monaco-button", { hasText: button }).click();
  }
}

async function waiting(promise, seconds, what) {
  try {
    return await promise;
  } catch (error) {
    throw new Error(`waited ${seconds} s for ${what}`, { cause: error });
  }
}
