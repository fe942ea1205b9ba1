// HTML for our webviews: text is escaped unless it was made here, and a page allows nothing but
// its own script and style.

import { randomBytes } from "node:crypto";

/** HTML that may be put on a page as it is. */
export class Html {
  constructor(readonly text: string) {}
}

type Piece = string | number | Html | undefined | readonly Piece[];

/** A template whose values are escaped; those that are `Html` already are not. */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Html {
  let text = parts[0] ?? "";
  values.forEach((value, index) => {
    text += rendered(value) + (parts[index + 1] ?? "");
  });
  return new Html(text);
}

function rendered(value: Piece): string {
  if (value === undefined) {
    return "";
  }
  if (value instanceof Html) {
    return value.text;
  }
  return Array.isArray(value) ? value.map(rendered).join("") : escape(String(value));
}

/** Text for element content and quoted attributes. */
export function escape(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (one) => names[one] ?? one);
}

/** 128 bits that no one can guess. */
export function nonce(): string {
  return randomBytes(16).toString("hex");
}

/** Where a page's script and style lie, as a webview may load them. */
export interface Assets {
  readonly script: string;
  readonly style: string;
}

/**
 * A page with nothing on it yet: what it shows is sent to its script. Nothing is loaded but the
 * two files with the nonce; no image, no font, no frame, no connection, no form.
 */
export function shell(title: string, assets: Assets, secret: string): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${secret}'`,
    `style-src 'nonce-${secret}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" nonce="${secret}" href="${assets.style}">
</head>
<body>
<main id="content" aria-busy="true"><p class="soft">Loading…</p></main>
<p id="live" class="hide" role="status" aria-live="polite"></p>
<script nonce="${secret}" src="${assets.script}"></script>
</body>
</html>
`.text;
}
