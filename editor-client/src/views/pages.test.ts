import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { RunRow } from "../protocol";
import { campaignChart, chartHtml, curveChart, metricsOf, numberOf, place, scaleOver, ticks } from "./chart";
import { escape, html, nonce, shell } from "./html";
import { receiptPage, reportPage, runPage, troublePage } from "./pages";
import { MOST_DEPTH, sanitised } from "./sanitise";

const ASSETS = { script: "https://host/page.js", style: "https://host/page.css" };
const EVIL = `<img src=x onerror=alert(1)>"'&`;

function run(id: string, more: Partial<RunRow> = {}): RunRow {
  const base = { id, purpose: "search", side: "p", idea: "", patch: "p", seed: 0, state: "finished" };
  const rest = { began: "", wall_seconds: 1, metric: "acc", value: "0.5", note: "", isolation: "sealed" };
  return { ...base, ...rest, receipt: "ab", log: true, ...more };
}

test("a page allows its own script and style by a nonce, and nothing else", () => {
  const secret = nonce();
  const page = shell("A title", ASSETS, secret);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
  assert.equal(
    policy?.replace(/&#39;/g, "'"),
    `default-src 'none'; script-src 'nonce-${secret}'; style-src 'nonce-${secret}'; ` +
      "base-uri 'none'; form-action 'none'",
  );
  const scripts = page.match(/<script[^>]*>[^<]*<\/script>/g) ?? [];
  assert.deepEqual(scripts, [`<script nonce="${secret}" src="${ASSETS.script}"></script>`]);
  assert.doesNotMatch(page, /<style|unsafe-|\son[a-z]+\s*=|style=|javascript:/i);
});

test("a nonce is not used twice, and is long enough not to be guessed", () => {
  const many = new Set(Array.from({ length: 200 }, nonce));
  assert.equal(many.size, 200);
  assert.ok([...many].every((one) => one.length === 32 && /^[0-9a-f]+$/.test(one)));
});

test("what is put into a template is text, unless it was made here", () => {
  assert.equal(html`<b>${EVIL}</b>`.text, `<b>${escape(EVIL)}</b>`);
  assert.equal(html`${[html`<i>`, "<"]}${undefined}`.text, "<i>&lt;");
});

test("a receipt says each thing once: values in their table, hashes by their names", () => {
  const hash = "ab".repeat(32);
  const lines = ["r1: ok", "  acc = 0.704, sealed", `  data sha256 ${hash}`, "seed 3"];
  const values = [{ name: "acc", value: "0.7040", note: "sealed" }];
  const { text } = receiptPage({ id: "r1", lines, values, json: "{}" });
  assert.doesNotMatch(text, /0\.704,/);
  assert.match(text, new RegExp(`<dt>Data sha256</dt><dd><code>${hash}</code></dd>`));
  assert.match(text, /<dd class="wide">seed 3<\/dd>/);
});

test("no page has an inline handler, style or script, whatever the server says", () => {
  const curve = { name: EVIL, points: [[1, 2]] as [number, number][] };
  const value = { name: EVIL, value: EVIL, note: EVIL };
  const receipt = { id: EVIL, lines: [EVIL, `a: ${EVIL}`], values: [value], json: EVIL };
  const pages = [
    chartHtml(campaignChart([run(EVIL, { metric: EVIL, isolation: EVIL })], [], EVIL)),
    runPage(EVIL, { run: EVIL, series: [curve] }, EVIL),
    receiptPage(receipt),
    reportPage(EVIL, true),
    troublePage(EVIL),
  ];
  for (const page of pages) {
    assert.doesNotMatch(page.text, /<img|<script|<style|<[^>]*\sstyle=/i);
    assert.doesNotMatch(page.text.replace(/"[^"]*"/g, '""'), /<[^>]*\son[a-z]+/i);
  }
});

test("a report keeps its words, tables and plots, and loses all that could act or load", () => {
  const { body, css } = sanitised(`<!DOCTYPE html><html><head><title>x</title><base href="//evil">
<meta http-equiv="refresh" content="0;url=//evil"><style>:root { --ink: #111; } body { margin: 0 }
@import url("//evil"); .a { background: url(//evil/x.png) }</style></head>
<body onload="go()"><!-- <b> --><h1 class="t" onclick='go()' id=top>A &amp; B</h1>
<script>go("</b>")</script><ScRiPt src=//evil></sCrIpT ><iframe srcdoc="<b>">in</iframe><img src=x onerror=go()>
<a href="javascript:go()">no</a><a href="#r1">yes</a><a href="https://arxiv.org/abs/1">far</a>
<li style="--depth: 3" class="kept">x</li><li style="background:url(//evil)">y</li>
<svg viewBox="0 0 9 9" onload=go()><path d="M0 0" class="mark"/><foreignObject><b>out</b></foreignObject></svg>
<form action="//evil"><input name=a></form><p>1 < 2 and <b>bold</p></body></html>`);
  assert.match(body, /<h1 class="t" id="top">A &amp; B<\/h1>/);
  assert.match(body, /<a>no<\/a><a href="#r1">yes<\/a><a href="https:\/\/arxiv.org\/abs\/1">far<\/a>/);
  assert.match(body, /<li data-depth="3" class="kept">x<\/li><li>y<\/li>/);
  assert.match(body, /<svg viewBox="0 0 9 9"><path d="M0 0" class="mark"\/><\/svg>/);
  assert.match(body, /<p>1 &lt; 2 and <b>bold<\/b><\/p>/);
  assert.doesNotMatch(body, /script|iframe|img|form|input|onload|onclick|onerror|evil|go\(/i);
  assert.match(css, /:host \{ --ink: #111; \} \.page \{ margin: 0 \}/);
  assert.match(css, /\[data-depth="24"\] \{ --depth: 24; \}/);
  assert.doesNotMatch(css, /evil|url\(|@import/);
  assert.equal(MOST_DEPTH, 24);
});

test("what is cut off or nested wrongly stays inside", () => {
  const cases: [string, string][] = [
    ["<p>a</b></p></p>", "<p>a</p>"],
    ["<p><b>a</p>b", "<p><b>a</b></p>b"],
    ["a<scr", "a&lt;scr"],
    ["<script>never ends", ""],
    ["<!-- never ends <b>", ""],
    ["<p title='a\"b'>x", '<p title="a&quot;b">x</p>'],
    ['<a href=" javascript:x">y</a>', "<a>y</a>"],
    ['<a href="https://a/&quot;b">y</a>', '<a href="https://a/&quot;b">y</a>'],
    ["<p/onclick=x>", "&lt;p/onclick=x>"],
    ["<b\nonclick\n=\nx>y", "<b>y</b>"],
  ];
  for (const [given, wanted] of cases) {
    assert.equal(sanitised(given).body, wanted);
  }
});

test("the real report passes with every section, plot and link inside it", () => {
  const folder = "../server/autosota/server/report/templates";
  const template = readFileSync(`${folder}/report.html.jinja`, "utf8");
  const { body } = sanitised(template.replace(/\{[%#][\s\S]*?[%#]\}|\{\{[\s\S]*?\}\}/g, ""));
  const sections = [...template.matchAll(/<section id="(\w+)"/g)].map((found) => found[1]);
  assert.ok(sections.length > 10);
  for (const section of sections) {
    assert.ok(body.includes(`<section id="${section}"`), section);
  }
  const kept = new Set([...body.matchAll(/<([a-z]\w*)/g)].map((found) => found[1]));
  const used = new Set([...template.matchAll(/<([a-z]\w*)/g)].map((found) => found[1]));
  const gone = [...used].filter((name) => !kept.has(name)).sort();
  assert.deepEqual(gone, ["body", "head", "html", "meta", "style", "title"]);
});

test("a long text of tags is read in a moment", () => {
  const text = `<p class="x" ${"a ".repeat(20_000)}>`.repeat(3) + "<".repeat(50_000) + "<b a=".repeat(9000);
  const begun = process.cpuUsage();
  sanitised(text);
  assert.ok(process.cpuUsage(begun).user < 4_000_000);
});

test("a scale holds its values, and is never of no width", () => {
  const scale = scaleOver([2, 6], 0, 100, 0.5);
  assert.deepEqual([place(scale, 2), place(scale, 6), place(scale, 4)], [25, 75, 50]);
  for (const values of [[], [0], [0.9, 0.9], [1e-300]]) {
    const one = scaleOver(values, 100, 0);
    assert.ok(one.high > one.low && Number.isFinite(place(one, values[0] ?? 0)));
  }
});

test("ticks are round, inside, and have the same decimals", () => {
  const texts = ticks(scaleOver([0.871, 0.927], 100, 0)).map((tick) => tick.text);
  assert.deepEqual(texts, ["0.88", "0.90", "0.92"]);
  assert.ok(ticks(scaleOver([-3, 7], 0, 9)).some((tick) => tick.text === "0"));
  assert.ok(ticks(scaleOver([1e9, 2e9], 0, 9)).every((tick) => /^\d(\.\d+)?e\+9$/.test(tick.text)));
});

test("a campaign's chart has a mark for each value that can be shown, the baseline first", () => {
  const runs = [
    run("r4", { value: "", note: "masked until it is read" }),
    run("r3", { purpose: "confirm", value: "0.7" }),
    run("r2", { idea: "", seed: 1 }),
    run("r1", { side: "baseline", purpose: "baseline", value: "0.4" }),
    run("r0", { metric: "loss", value: "1.5" }),
  ];
  assert.deepEqual(metricsOf(runs), ["acc", "loss"]);
  const chart = campaignChart(runs, [], "acc");
  assert.deepEqual(
    chart.marks.map((mark) => [mark.run, mark.shape]),
    [["r1", "square"], ["r2", "circle"], ["r3", "diamond"]],
  );
  const [base, search, confirm] = chart.marks;
  assert.ok(base && search && confirm && base.x < search.x && base.y > search.y && search.y > confirm.y);
  assert.ok(chart.marks.every((m) => m.x > chart.left && m.x < chart.width && m.y > 0 && m.y < chart.bottom));
  assert.deepEqual(chart.rows.map((row) => row[4]), ["0.4", "0.5", "0.7"]);
  const more = [run("r6", { side: "q", value: "0.6" }), run("r5", { side: "z", value: "" }), ...runs];
  assert.deepEqual(
    campaignChart(more, [], "acc").xTicks.map((tick) => tick.text),
    ["base", "1", "3"],
    "a version keeps its number where another one has no value",
  );
  assert.equal(base?.words, "acc 0.4, baseline, seed 0, sealed, Baseline");
  const shown = chartHtml(chart).text;
  assert.equal(shown.match(/<tr>/g)?.length, 4, "the table holds the same rows");
  assert.match(shown, /role="application"[^>]* aria-label="acc of 3 runs of 2 versions/);
});

test("a curve goes through its points in order, and what is no number is left out", () => {
  const chart = curveChart({ name: "loss", points: [[0, 2], [1, Number.NaN], [2, 1], [4, 0.5]] });
  assert.equal(chart.line.match(/[ML]/g)?.join(""), "MLL");
  const xs = chart.marks.map((mark) => mark.x);
  assert.ok(Math.abs((xs[2] ?? 0) - (xs[1] ?? 0) - ((xs[1] ?? 0) - (xs[0] ?? 0))) < 1e-9);
  assert.deepEqual(chart.rows, [["0", "2"], ["2", "1"], ["4", "0.5"]]);
  assert.equal(curveChart({ name: "loss", points: [] }).marks.length, 0);
});

test("numbers are those that are written as such", () => {
  assert.deepEqual(["0.91", "−1.5", "1e-3", "", "masked", " "].map(numberOf), [0.91, -1.5, 0.001, undefined, undefined, undefined]);
});
