// Charts: where marks, lines and labels stand, and the same numbers as a table. What the numbers
// mean was decided elsewhere; only values that a receipt holds are drawn, none is computed.

import type { Curve, IdeaRow, RunRow } from "../protocol";
import { Html, html } from "./html";
import { said } from "./rows";
import { grouped, sideOf } from "./runs";

/** A straight map from values to pixels. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly start: number;
  readonly end: number;
}

/** A mark: shapes tell purposes apart, so colour need not. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly shape: Shape;
  readonly words: string;
  /** The run behind it; '' for none. */
  readonly run: string;
}

export type Shape = "square" | "circle" | "diamond" | "triangle" | "cross";

export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** A chart that only has to be drawn. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** All of it in a sentence. */
  readonly words: string;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly bottom: number;
  readonly xName: string;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  readonly line: string;
  readonly marks: readonly Mark[];
  readonly legend: readonly { readonly shape: Shape; readonly text: string }[];
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const SHAPES: Record<string, Shape> = {
  baseline: "square",
  search: "circle",
  confirm: "diamond",
  control: "cross",
  transfer: "triangle",
};

/** A column of few, in pixels. */
const WIDEST = 120;
const TOP = 14;
const RIGHT = 14;

/** A scale that holds all values with some room; never of no width. */
export function scaleOver(values: readonly number[], start: number, end: number, pad = 0.08): Scale {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) {
    return { low: 0, high: 1, start, end };
  }
  let room = (high - low) * pad;
  if (high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high))) {
    room = Math.max(Math.abs(low), Math.abs(high)) * 0.05 || 1;
  }
  return { low: low - room, high: high + room, start, end };
}

/** The pixel of a value. */
export function place(scale: Scale, value: number): number {
  const share = (value - scale.low) / (scale.high - scale.low);
  return scale.start + share * (scale.end - scale.start);
}

/** Round values inside a scale, with labels that all have the same decimals. */
export function ticks(scale: Scale, wanted = 5): Tick[] {
  const raw = (scale.high - scale.low) / Math.max(1, wanted);
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= raw * 0.999) ?? size * 10;
  const decimals = Math.min(10, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const found: Tick[] = [];
  for (let n = Math.ceil(scale.low / step - 1e-9); n * step <= scale.high + step * 1e-9; n++) {
    found.push({ at: place(scale, n * step), text: label(n * step, step, decimals) });
  }
  return found;
}

function label(value: number, step: number, decimals: number): string {
  const exact = Math.abs(value) < step * 1e-6 ? 0 : value;
  const large = Math.abs(exact) >= 1e6 || (exact !== 0 && Math.abs(step) < 1e-6);
  return large ? exact.toPrecision(3).replace(/\.?0+e/, "e") : exact.toFixed(decimals);
}

/** A metric's values by what was run, in the order in which each was run first. */
export function campaignChart(
  runs: readonly RunRow[],
  ideas: readonly IdeaRow[],
  metric: string,
  width = 760,
): Chart {
  const height = 320;
  const titles = new Map(ideas.map((idea) => [idea.id, idea.title]));
  const sides = [...grouped([...runs].reverse()).values()];
  sides.sort((a, b) => Number(b[0]?.side === "baseline") - Number(a[0]?.side === "baseline"));
  const isShown = (run: RunRow) => run.metric === metric && numberOf(run.value) !== undefined;
  const shown = runs.filter(isShown);
  // a version has the same number in every chart of the campaign
  const columns = sides
    .map((side, number) => ({ number, runs: side.filter(isShown) }))
    .filter((column) => column.runs.length > 0);
  const left = 64;
  const bottom = height - 44;
  const y = scaleOver(shown.map((run) => numberOf(run.value) ?? 0), bottom, TOP);
  const step = Math.min(WIDEST, (width - left - RIGHT) / Math.max(1, columns.length));
  const marks: Mark[] = [];
  const rows: string[][] = [];
  const labels: Tick[] = [];
  const every = [1, 2, 5, 10, 20, 25, 50, 100].find((n) => columns.length / n <= 20) ?? 500;
  columns.forEach(({ number, runs: column }, index) => {
    const centre = left + (index + 0.5) * step;
    const name = column[0] === undefined ? "" : sideOf(column[0], titles);
    if (name === "Baseline" || number % every === 0) {
      labels.push({ at: centre, text: name === "Baseline" ? "base" : String(number) });
    }
    column.forEach((run, nth) => {
      const value = numberOf(run.value) ?? 0;
      const spread = column.length > 1 ? (nth / (column.length - 1) - 0.5) * Math.min(step * 0.5, 36) : 0;
      const seed = `${run.purpose}, seed ${run.seed}`;
      marks.push({
        x: centre + spread,
        y: place(y, value),
        shape: SHAPES[run.purpose] ?? "circle",
        words: said(`${metric} ${run.value}`, seed, run.isolation, name),
        run: run.id,
      });
      rows.push([String(number), name, run.purpose, String(run.seed), run.value, run.isolation]);
    });
  });
  const purposes = Object.keys(SHAPES).filter((one) => shown.some((run) => run.purpose === one));
  return {
    id: "campaign",
    title: metric,
    words: `${metric} of ${shown.length} runs of ${columns.length} versions of the code, oldest first`,
    width,
    height,
    left,
    bottom,
    xName: "versions of the code, in the order they were run",
    xTicks: labels,
    yTicks: ticks(y),
    line: "",
    marks,
    legend: purposes.map((one) => ({ shape: SHAPES[one] ?? "circle", text: one })),
    head: ["No.", "What was run", "Purpose", "Seed", metric, "Isolation"],
    rows,
  };
}

/** Metrics of runs that can be drawn, the most frequent first. */
export function metricsOf(runs: readonly RunRow[]): string[] {
  const found = new Map<string, number>();
  for (const run of runs) {
    if (run.metric && numberOf(run.value) !== undefined) {
      found.set(run.metric, (found.get(run.metric) ?? 0) + 1);
    }
  }
  return [...found].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

/** A metric as a run reported it on its way. */
export function curveChart(curve: Curve, width = 560): Chart {
  const height = 240;
  const left = 64;
  const bottom = height - 44;
  const points = curve.points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const steps = points.map(([step]) => step);
  const x = scaleOver(steps, left, width - RIGHT, points.length > 1 ? 0.02 : 0.08);
  const y = scaleOver(points.map(([, value]) => value), bottom, TOP);
  const pixels = points.map(([step, value]) => [place(x, step), place(y, value)] as const);
  const marks = points.map(([step, value], index) => ({
    x: pixels[index]?.[0] ?? 0,
    y: pixels[index]?.[1] ?? 0,
    shape: "circle" as const,
    words: `step ${step}, ${curve.name} ${value}`,
    run: "",
  }));
  const [first, last] = [points[0], points.at(-1)];
  const from = first && last ? `, from ${first[1]} at step ${first[0]} to ${last[1]} at step ${last[0]}` : "";
  return {
    id: curve.name,
    title: curve.name,
    words: `${curve.name} over ${points.length} steps${from}`,
    width,
    height,
    left,
    bottom,
    xName: "step",
    xTicks: ticks(x, 6),
    yTicks: ticks(y, 4),
    line: pixels.map(([px, py], n) => `${n === 0 ? "M" : "L"}${pixel(px)} ${pixel(py)}`).join(""),
    marks,
    legend: [],
    head: ["Step", curve.name],
    rows: points.map(([step, value]) => [String(step), String(value)]),
  };
}

/** A number as a receipt shows it; undefined for words. */
export function numberOf(text: string): number | undefined {
  const value = text.trim() === "" ? Number.NaN : Number(text.replace(/−/g, "-"));
  return Number.isFinite(value) ? value : undefined;
}

/** A coordinate with one decimal. */
export function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}

// ------------------------------------------------------------------ as markup

/** Marks that are drawn one by one; a line with more than these has none. */
const MOST_DOTS = 80;
/** Rows of a table that are there at once. */
const MOST_ROWS = 2000;

/** A chart that can be walked through with the arrow keys, and its table. */
export function chartHtml(chart: Chart): Html {
  const { width, height, left, bottom } = chart;
  const name = `chart-${chart.id.replace(/[^\w-]/g, "_")}`;
  const radius = chart.line || chart.marks.length > 400 ? 2.5 : 4.5;
  const dotted = chart.line === "" || chart.marks.length <= MOST_DOTS;
  const points = chart.marks.map((m) => [pixel(m.x), pixel(m.y), m.words, m.run]);
  return html`<figure class="chart">
<figcaption id="${name}-title">${chart.title}</figcaption>
<div class="plot" tabindex="0" role="application" aria-roledescription="chart" aria-label="${chart.words}. Arrow keys read one value after the other${chart.marks.some((m) => m.run) ? ", Enter shows its receipt" : ""}." data-points="${JSON.stringify(points)}">
<svg viewBox="0 0 ${width} ${height}" role="img" aria-hidden="true" focusable="false">
${chart.yTicks.map((tick) => html`<line class="grid" x1="${left}" x2="${width - RIGHT}" y1="${pixel(tick.at)}" y2="${pixel(tick.at)}"/><text class="tick" x="${left - 8}" y="${pixel(tick.at + 4)}" text-anchor="end">${tick.text}</text>`)}
<line class="axis" x1="${left}" x2="${width - RIGHT}" y1="${bottom}" y2="${bottom}"/>
${chart.xTicks.map((tick) => html`<text class="tick" x="${pixel(tick.at)}" y="${bottom + 18}" text-anchor="middle">${tick.text}</text>`)}
<text class="name" x="${pixel((left + width - RIGHT) / 2)}" y="${height - 6}" text-anchor="middle">${chart.xName}</text>
${chart.line ? html`<path class="line" d="${chart.line}"/>` : undefined}
${dotted ? chart.marks.map((m) => drawn(m.shape, m.x, m.y, radius, m.words)) : undefined}
<circle class="cursor" r="9" visibility="hidden"/>
</svg>
<p class="reading" aria-hidden="true"></p>
</div>
${legend(chart)}
${table(chart)}
</figure>`;
}

function legend(chart: Chart): Html | undefined {
  if (chart.legend.length < 2) {
    return undefined;
  }
  return html`<ul class="legend">${chart.legend.map(
    (one) =>
      html`<li><svg width="14" height="14" aria-hidden="true" focusable="false">${drawn(one.shape, 7, 7, 4.5)}</svg>${one.text}</li>`,
  )}</ul>`;
}

function table(chart: Chart): Html {
  const rows = chart.rows.slice(0, MOST_ROWS);
  const left = chart.rows.length - rows.length;
  return html`<details><summary>The same as a table (${chart.rows.length} rows)</summary>
<div class="scroll" tabindex="0" role="region" aria-label="${chart.title} as a table"><table>
<caption class="hide">${chart.words}</caption>
<thead><tr>${chart.head.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((text) => html`<td>${text}</td>`)}</tr>`)}</tbody>
</table></div>${left > 0 ? html`<p class="soft">${left} more rows are left out here.</p>` : undefined}</details>`;
}

function drawn(shape: Shape, x: number, y: number, r: number, words = ""): Html {
  const at = (dx: number, dy: number) => `${pixel(x + dx * r)} ${pixel(y + dy * r)}`;
  const title = words ? html`<title>${words}</title>` : undefined;
  if (shape === "circle") {
    return html`<circle class="mark circle" cx="${pixel(x)}" cy="${pixel(y)}" r="${r}">${title}</circle>`;
  }
  const paths: Record<Exclude<Shape, "circle">, string> = {
    square: `M${at(-0.9, -0.9)}L${at(0.9, -0.9)}L${at(0.9, 0.9)}L${at(-0.9, 0.9)}Z`,
    diamond: `M${at(0, -1.25)}L${at(1.25, 0)}L${at(0, 1.25)}L${at(-1.25, 0)}Z`,
    triangle: `M${at(0, -1.15)}L${at(1.1, 0.9)}L${at(-1.1, 0.9)}Z`,
    cross: `M${at(-1, -1)}L${at(1, 1)}M${at(-1, 1)}L${at(1, -1)}`,
  };
  return html`<path class="mark ${shape}" d="${paths[shape]}">${title}</path>`;
}
