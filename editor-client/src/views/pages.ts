// What our pages show, as HTML: the metrics of a campaign, one run's curves, a receipt.

import type { Board, ReceiptText, RunRow, Series } from "../protocol";
import { standing, spent } from "./campaign";
import { campaignChart, chartHtml, curveChart, metricsOf } from "./chart";
import { type Html, html } from "./html";
import { capital, dotted, moment } from "./rows";

/** The metrics of a campaign, one chart for each that can be drawn; `shown` is an older one. */
export function campaignPage(board: Board, shown = ""): Html {
  const { progress } = board;
  const older = board.campaigns.find((one) => shown !== "" && one.id === shown);
  const name = older?.id ?? progress.campaign;
  const headline = older?.headline ?? progress.headline;
  const metrics = metricsOf(board.runs);
  const how = older === undefined ? spent(progress) : moment(older.started);
  const head = name
    ? html`<p class="soft">${dotted(capital(standing(older ?? progress)), how)}</p>`
    : undefined;
  const charts =
    metrics.length > 0
      ? metrics.map((metric) => chartHtml(campaignChart(board.runs, board.ideas, metric)))
      : html`<p>No run has a value that can be shown yet. ${masked(board.runs)}</p>`;
  return html`<header><h1>${name ? `Metrics of ${name}` : "Metrics"}</h1>${head}
<div class="actions">${button("report", "Show report")}</div></header>
${headline ? html`<p class="headline">${headline}</p>` : undefined}
${charts}`;
}

function masked(runs: readonly RunRow[]): string {
  return runs.find((run) => run.note && !run.value && run.state === "finished")?.note ?? "";
}

/** What one run reported on its way. */
export function runPage(run: string, series: Series, title: string): Html {
  const charts = series.series.filter((curve) => curve.points.length > 0);
  return html`<header><h1>${title || `Run ${run}`}</h1><p class="soft">${run}</p>
<div class="actions">${button("log", "Show log", run)}${button("receipt", "Show receipt", run)}</div></header>
${
  charts.length > 0
    ? html`<div class="grid">${charts.map((curve) => chartHtml(curveChart(curve)))}</div>`
    : html`<p>The run printed no metric with a step. Lines such as <code>METRIC loss=0.31 step=4</code> on its output are drawn here.</p>`
}`;
}

/** A receipt: in words, its numbers, and all of it. */
export function receiptPage(receipt: ReceiptText): Html {
  const rows = receipt.values.map(
    (one) =>
      html`<tr><th scope="row">${one.name}</th><td class="n">${one.value || html`<span class="soft">not shown</span>`}</td><td class="soft">${one.note}</td></tr>`,
  );
  const shown = receipt.values.map((one) => `${one.name} = `);
  const told = receipt.lines.map((line) => line.trim());
  const others = told.filter((line) => line && !shown.some((start) => line.startsWith(start)));
  const lines = others.map((line) => {
    const [, what, hash] = /^(.{1,40} sha256) ([0-9a-f]{64})$/.exec(line) ?? [];
    return what !== undefined && hash !== undefined
      ? html`<dt>${capital(what)}</dt><dd><code>${hash}</code></dd>`
      : html`<dt class="hide">Note</dt><dd class="wide">${line}</dd>`;
  });
  return html`<header><h1>Receipt</h1><p class="soft"><code>${receipt.id}</code></p>
<div class="actions">${button("log", "Show log", receipt.id)}${button("chart", "Show chart", receipt.id)}${button("copy", "Copy JSON", receipt.id)}</div></header>
${
  rows.length > 0
    ? html`<section aria-labelledby="h-values"><h2 id="h-values">Values</h2><table class="values"><thead class="hide"><tr><th scope="col">Name</th><th scope="col">Value</th><th scope="col">Note</th></tr></thead><tbody>${rows}</tbody></table></section>`
    : undefined
}
${lines.length > 0 ? html`<section aria-labelledby="h-about"><h2 id="h-about">What was run</h2><dl>${lines}</dl></section>` : undefined}
<details><summary>All of it, as JSON</summary><pre tabindex="0" role="region" aria-label="The receipt as JSON">${receipt.json}</pre></details>`;
}

/**
 * The frame around a report; the report itself is put into its host by the page's script. A browser
 * can only open a file of its own machine: `local`.
 */
export function reportPage(path: string, local: boolean): Html {
  return html`<div class="bar actions" role="toolbar" aria-label="Report">${button("again", "Write again")}${local ? button("outside", "Open in browser") : undefined}<span class="soft path">${path}</span></div>
<div id="report" class="report"></div>`;
}

/** One line in place of what cannot be shown. */
export function troublePage(line: string): Html {
  return html`<p role="alert" class="trouble">${line}</p><div class="actions">${button("again", "Try again")}</div>`;
}

function button(act: string, text: string, id = ""): Html {
  return html`<button type="button" data-act="${act}" data-id="${id}">${text}</button>`;
}
