// Draws media/icon.png: `node tools/icon.mjs`. A measured curve that rises to a confirmed point.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";

const SIZE = 256;
const FINE = 4; // samples of a pixel along each side
const BACK = [16, 32, 44];
const LINE = [126, 214, 190];
const RULE = [58, 82, 98];
const DOT = [255, 209, 102];

const POINTS = [[44, 190], [86, 168], [122, 176], [160, 118], [204, 72]];

function toSegment([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

function inside([x, y]) {
  const [reach, round] = [SIZE / 2 - 6, 48];
  const dx = Math.max(0, Math.abs(x - SIZE / 2) - (reach - round));
  const dy = Math.max(0, Math.abs(y - SIZE / 2) - (reach - round));
  return Math.hypot(dx, dy) <= round;
}

/** Colour and opacity at a point. */
function at(p) {
  if (!inside(p)) return [0, 0, 0, 0];
  const last = POINTS.at(-1);
  const far = Math.hypot(p[0] - last[0], p[1] - last[1]);
  if (far < 20) return [...DOT, 255];
  if (far < 28) return [...BACK, 255];
  const line = Math.min(...POINTS.slice(1).map((b, n) => toSegment(p, POINTS[n], b)));
  if (line < 8) return [...LINE, 255];
  const dashed = Math.floor(p[0] / 14) % 2 === 0;
  if (dashed && p[0] > 40 && p[0] < 216 && Math.abs(p[1] - 146) < 2) return [...RULE, 255];
  return [...BACK, 255];
}

const rows = Buffer.alloc(SIZE * (1 + 4 * SIZE));
for (let y = 0; y < SIZE; y++) {
  for (let x = 0; x < SIZE; x++) {
    const sum = [0, 0, 0, 0];
    for (let n = 0; n < FINE * FINE; n++) {
      const [r, g, b, a] = at([x + ((n % FINE) + 0.5) / FINE, y + (Math.floor(n / FINE) + 0.5) / FINE]);
      sum[0] += r * a;
      sum[1] += g * a;
      sum[2] += b * a;
      sum[3] += a;
    }
    const place = y * (1 + 4 * SIZE) + 1 + 4 * x;
    for (let c = 0; c < 3; c++) rows[place + c] = sum[3] ? Math.round(sum[c] / sum[3]) : 0;
    rows[place + 3] = Math.round(sum[3] / (FINE * FINE));
  }
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

const header = Buffer.alloc(13);
header.writeUInt32BE(SIZE, 0);
header.writeUInt32BE(SIZE, 4);
header.set([8, 6, 0, 0, 0], 8); // eight bits, RGBA
const png = Buffer.concat([
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  chunk("IHDR", header),
  chunk("IDAT", deflateSync(rows, { level: 9 })),
  chunk("IEND", Buffer.alloc(0)),
]);
writeFileSync(join(dirname(fileURLToPath(import.meta.url)), "..", "media", "icon.png"), png);
