/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// The script of our pages: puts on what the extension sends, tells it which button was pressed,
// and lets a chart be read with the arrow keys. Decides nothing.

import type { FromPage, ToPage } from "./messages";

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): { scroll?: number } | undefined;
  setState(state: { scroll: number }): void;
};

const editor = acquireVsCodeApi();
const content = document.getElementById("content") as HTMLElement;
const live = document.getElementById("live") as HTMLElement;
/** x, y, words, run. */
type Point = [number, number, string, string];

window.addEventListener("message", (event: MessageEvent<ToPage>) => {
  const opened = new Set(
    [...content.querySelectorAll("details")].flatMap((one, n) => (one.open ? [n] : [])),
  );
  const { scrollX, scrollY } = window;
  const focused = document.activeElement?.getAttribute("data-act");
  content.replaceChildren(parsed(event.data.body));
  content.removeAttribute("aria-busy");
  content.querySelectorAll("details").forEach((one, n) => {
    one.open = opened.has(n);
  });
  content.querySelectorAll<HTMLElement>(".plot").forEach(walked);
  if (event.data.report) {
    report(event.data.report);
  }
  if (focused) {
    content.querySelector<HTMLElement>(`[data-act="${CSS.escape(focused)}"]`)?.focus();
  }
  const kept = editor.getState()?.scroll ?? 0;
  window.scrollTo(scrollX, scrollY || kept);
});

/** Elements of HTML that the extension made; scripts in it would not run. */
function parsed(text: string): DocumentFragment {
  const found = new DOMParser().parseFromString(text, "text/html");
  const fragment = document.createDocumentFragment();
  fragment.append(...[...found.body.childNodes].map((node) => document.importNode(node, true)));
  return fragment;
}

/** The report, in a tree of its own, so that its style stays with it. */
function report(shown: { body: string; css: string }): void {
  const host = document.getElementById("report");
  if (!host) {
    return;
  }
  const root = host.attachShadow({ mode: "open" });
  const own = new CSSStyleSheet();
  own.replaceSync(shown.css);
  const ours = new CSSStyleSheet();
  ours.replaceSync(THEME);
  root.adoptedStyleSheets = [own, ours];
  const page = document.createElement("div");
  page.className = "page";
  page.append(parsed(shown.body));
  root.append(page);
  root.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest("a");
    const to = link?.getAttribute("href") ?? "";
    if (to.startsWith("#")) {
      event.preventDefault();
      event.stopPropagation();
      arrive(root, decodeURIComponent(to.slice(1)));
    }
  });
}

function arrive(root: ShadowRoot, id: string): void {
  const target = root.getElementById(id);
  if (!target) {
    return;
  }
  for (let up: Element | null = target; up; up = up.parentElement) {
    if (up instanceof HTMLDetailsElement) {
      up.open = true;
    }
  }
  root.querySelectorAll(".arrived").forEach((one) => one.classList.remove("arrived"));
  target.classList.add("arrived");
  target.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "start" });
}

/** The report's colours are those of the theme, whatever the system prefers. */
const THEME = `
:host {
  --page: transparent; --card: var(--vscode-editorWidget-background, transparent);
  --ink: var(--vscode-foreground); --soft: var(--vscode-descriptionForeground);
  --rule: var(--vscode-editorWidget-border, var(--vscode-contrastBorder, #8884));
  --faint: var(--vscode-textBlockQuote-background, #8881);
  --link: var(--vscode-textLink-foreground); --band: color-mix(in srgb, var(--vscode-foreground) 9%, transparent);
  --good: var(--vscode-testing-iconPassed); --open: var(--vscode-problemsWarningIcon-foreground);
  --bad: var(--vscode-errorForeground); --plain: var(--vscode-descriptionForeground);
  --good-bg: color-mix(in srgb, var(--good) 12%, transparent); --open-bg: color-mix(in srgb, var(--open) 12%, transparent);
  --bad-bg: color-mix(in srgb, var(--bad) 12%, transparent); --plain-bg: color-mix(in srgb, var(--plain) 10%, transparent);
  --confirmed: var(--vscode-testing-iconPassed); --provisional: var(--vscode-charts-blue);
  --noise: var(--vscode-descriptionForeground); --guarded: var(--vscode-charts-orange);
  --failed: var(--vscode-errorForeground); --rejected: var(--vscode-charts-purple);
  --add: var(--vscode-diffEditor-insertedLineBackground, #2a62); --add-ink: var(--vscode-foreground);
  --del: var(--vscode-diffEditor-removedLineBackground, #a222); --del-ink: var(--vscode-foreground);
  --mono: var(--vscode-editor-font-family, monospace);
  display: block;
}
:host-context(.vscode-high-contrast) {
  --card: transparent; --faint: transparent; --good-bg: transparent; --open-bg: transparent; --bad-bg: transparent;
  --plain-bg: transparent; --rule: var(--vscode-contrastBorder); --soft: var(--vscode-foreground);
}
.page { font: var(--vscode-font-size, 13px)/1.55 var(--vscode-font-family, sans-serif); max-width: none; }
.page > main, main, header.top, footer { max-width: 1080px; margin: 0; padding-left: 0; padding-right: 0; }
header.top { padding-top: 8px; } h1 { font-size: 1.5em; } h2 { margin-top: 40px; } .skip { display: none; }
[id] { scroll-margin-top: 60px; } code { background: none; color: inherit; padding: 0; }
.arrived:focus { outline: none; } tr.arrived { background: var(--open-bg); }
a:focus-visible, summary:focus-visible, [tabindex="0"]:focus-visible { outline: 1px solid var(--vscode-focusBorder); }
`;

// ------------------------------------------------------------------ charts

/** Let a chart be read value by value. */
function walked(plot: HTMLElement): void {
  const points = JSON.parse(plot.dataset["points"] ?? "[]") as Point[];
  const cursor = plot.querySelector<SVGCircleElement>(".cursor");
  const reading = plot.querySelector<HTMLElement>(".reading");
  let at = -1;
  const show = (index: number, aloud: boolean) => {
    const point = points[index];
    at = point === undefined ? -1 : index;
    cursor?.setAttribute("visibility", point === undefined ? "hidden" : "visible");
    cursor?.setAttribute("cx", String(point?.[0] ?? 0));
    cursor?.setAttribute("cy", String(point?.[1] ?? 0));
    if (reading) {
      reading.textContent = point?.[2] ?? "";
    }
    if (aloud && point) {
      live.textContent = `${point[2]}, ${index + 1} of ${points.length}`;
    }
  };
  const open = () => {
    const run = points[at]?.[3];
    if (run) {
      editor.postMessage({ act: "receipt", id: run });
    }
  };
  plot.addEventListener("keydown", (event) => {
    const last = points.length - 1;
    const page = Math.max(1, Math.round(points.length / 10));
    const moves: Record<string, number> = {
      ArrowRight: Math.min(last, at + 1),
      ArrowDown: Math.min(last, at + 1),
      ArrowLeft: Math.max(0, at - 1),
      ArrowUp: Math.max(0, at - 1),
      PageDown: Math.min(last, at + page),
      PageUp: Math.max(0, at - page),
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    if (to !== undefined) {
      event.preventDefault();
      show(to, true);
    } else if (event.key === "Enter") {
      open();
    } else if (event.key === "Escape") {
      show(-1, false);
    }
  });
  const nearest = (event: MouseEvent) => {
    const svg = plot.querySelector("svg");
    const matrix = svg?.getScreenCTM()?.inverse();
    if (!svg || !matrix) {
      return -1;
    }
    const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    let best = -1;
    let least = 30 ** 2;
    points.forEach(([x, y], index) => {
      const far = (x - here.x) ** 2 + (y - here.y) ** 2;
      if (far < least) {
        [best, least] = [index, far];
      }
    });
    return best;
  };
  plot.addEventListener("mousemove", (event) => show(nearest(event), false));
  plot.addEventListener("mouseleave", () => show(-1, false));
  plot.addEventListener("click", (event) => {
    show(nearest(event), false);
    open();
  });
}

// ------------------------------------------------------------------ to the extension

content.addEventListener("click", (event) => {
  const button = (event.target as Element | null)?.closest<HTMLElement>("[data-act]");
  const act = button?.dataset["act"];
  if (act) {
    editor.postMessage({ act, id: button.dataset["id"] ?? "" });
  }
});

let pause: number | undefined;
window.addEventListener("scroll", () => {
  window.clearTimeout(pause);
  pause = window.setTimeout(() => editor.setState({ scroll: window.scrollY }), 200);
});

editor.postMessage({ act: "ready", id: "" });
