// The report's HTML as it may be put on our page: a list of elements and attributes that are kept,
// and nothing else. It is our own report, but it lies in the workspace, where anyone may have
// written it. Read by a small tokenizer; what does not look like a kept tag is text or gone.

import { escape } from "./html";

const ELEMENTS = new Set(
  `a b br caption circle code data dd del desc details div dl dt em figcaption figure footer g h1
  h2 h3 h4 h5 h6 header hr i ins li line main nav ol p path polygon polyline pre rect section
  small span strong sub summary sup svg table tbody td text tfoot th thead title tr tspan ul`
    .split(/\s+/),
);

/** Elements that go with everything in them. */
const OPAQUE = new Set(
  "audio canvas embed foreignobject head iframe math noscript object script select style template textarea video"
    .split(" "),
);

const VOID = new Set(["br", "hr"]);

const ATTRIBUTES = new Set(
  `class colspan cx cy d data-label data-r dx dy fill focusable headers height href id lang open
  points preserveaspectratio r role rowspan rx ry scope tabindex text-anchor title transform value
  viewbox width x x1 x2 y y1 y2`
    .split(/\s+/),
);

/** Depths that a tree of attempts can be indented by. */
export const MOST_DEPTH = 24;

const TAG = /^<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:.-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+))?)*)\s*(\/?)>/;
const ATTRIBUTE = /([\w:.-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>=`]+)))?/g;
const LINK = /^(?:#[\w.:-]*|https?:\/\/[^\s"'<>]+)$/i;

/** A report taken apart. */
export interface Report {
  /** What may be put on a page. */
  readonly body: string;
  /** Its own style, for a shadow root. */
  readonly css: string;
}

/** Take a report apart; what is not known is left out. */
export function sanitised(text: string): Report {
  const css = /<style\b[^>]*>([\s\S]*?)<\/style\s*>/i.exec(text)?.[1] ?? "";
  return { body: body(text), css: style(css) };
}

function body(text: string): string {
  const found: string[] = [];
  const open: string[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("<", at);
    if (next < 0) {
      found.push(text.slice(at));
      break;
    }
    found.push(text.slice(at, next));
    at = next;
    if (text.startsWith("<!--", at)) {
      const end = text.indexOf("-->", at + 4);
      at = end < 0 ? text.length : end + 3;
      continue;
    }
    if (text[at + 1] === "!" || text[at + 1] === "?") {
      const end = text.indexOf(">", at);
      at = end < 0 ? text.length : end + 1;
      continue;
    }
    const tag = TAG.exec(text.slice(at, at + 65_536));
    if (tag === null) {
      found.push("&lt;");
      at += 1;
      continue;
    }
    at += tag[0].length;
    const name = (tag[2] ?? "").toLowerCase();
    const closing = tag[1] === "/";
    if (OPAQUE.has(name)) {
      at = closing || tag[4] ? at : after(text, at, name);
    } else if (ELEMENTS.has(name)) {
      if (!closing) {
        const alone = tag[4] === "/" || VOID.has(name);
        found.push(`<${name}${attributes(tag[3] ?? "")}${alone ? "/" : ""}>`);
        if (!alone) {
          open.push(name);
        }
      } else if (open.includes(name)) {
        let last: string | undefined;
        do {
          last = open.pop();
          found.push(`</${last}>`);
        } while (last !== name);
      }
    }
  }
  return found.join("") + open.reverse().map((name) => `</${name}>`).join("");
}

/** Behind the end of an element; the end of the text when it has none. */
function after(text: string, at: number, name: string): number {
  const end = new RegExp(`</${name}\\s*>`, "i").exec(text.slice(at));
  return end === null ? text.length : at + end.index + end[0].length;
}

function attributes(text: string): string {
  const kept: string[] = [];
  for (const [, raw = "", double, single, bare] of text.matchAll(ATTRIBUTE)) {
    const name = raw.toLowerCase();
    const value = double ?? single ?? bare ?? "";
    if (name === "style") {
      const depth = /^\s*--depth:\s*(\d{1,3})\s*$/.exec(value)?.[1];
      if (depth !== undefined) {
        kept.push(` data-depth="${Math.min(Number(depth), MOST_DEPTH)}"`);
      }
    } else if (name === "href" ? LINK.test(value) : isKept(name, value)) {
      const spelled = name === "viewbox" ? "viewBox" : name;
      kept.push(` ${spelled}="${value.replace(/"/g, "&quot;").replace(/</g, "&lt;")}"`);
    }
  }
  return kept.join("");
}

function isKept(name: string, value: string): boolean {
  if (name === "tabindex") {
    return value === "0" || value === "-1";
  }
  if (name === "fill") {
    return /^[\w-]+$/.test(value);
  }
  return ATTRIBUTES.has(name) || /^aria-[a-z]+$/.test(name);
}

/**
 * The report's style inside a shadow root, where there is no page of its own. Nothing can be
 * loaded by it: the page's policy forbids it, and addresses are taken out besides.
 */
function style(css: string): string {
  const own = css
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/@(?:import|namespace|charset|font-face)\b[^;{]*(?:;|\{[^}]*\})/gi, "")
    .replace(/url\s*\([^)]*\)/gi, "none")
    .replace(/(^|[{}\s,]):root\b/g, "$1:host")
    .replace(/(^|[{}\s,])(?:html|body)(?=\s*[{,])/g, "$1.page");
  const depths = Array.from(
    { length: MOST_DEPTH },
    (_, n) => `[data-depth="${n + 1}"] { --depth: ${n + 1}; }`,
  );
  return `${own}\n${depths.join("\n")}\n`;
}

/** A page in place of a report that cannot be shown. */
export function sorry(why: string): Report {
  return { body: `<p>${escape(why)}</p>`, css: "" };
}
