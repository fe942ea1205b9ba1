// Bundles the extension: `node build.mjs`, with --watch, --production, --tests or --package.
// Everything ends in dist (what is shipped) or build (tests, the .vsix).
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
process.chdir(here);
const has = (flag) => process.argv.includes(flag);
const production = has("--production");

const common = {
  bundle: true,
  sourcemap: production ? false : "linked",
  minify: production,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
};

/** Runs in the extension host: Node 20 since VS Code 1.96. */
const host = {
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
};

/** Scripts and styles of webviews, one bundle for each file of src/views/webview. */
function webviews() {
  const folder = "src/views/webview";
  const found = existsSync(folder) ? readdirSync(folder) : [];
  const entries = found.filter((f) => /\.(ts|css)$/.test(f) && !/\.(test|d)\.ts$/.test(f));
  if (entries.length === 0) return undefined;
  return {
    ...common,
    entryPoints: entries.map((f) => join(folder, f)),
    outdir: "dist/webview",
    platform: "browser",
    format: "iife",
    target: "es2022",
  };
}

function tests() {
  const found = readdirSync("src", { recursive: true }).filter((f) => f.endsWith(".test.ts"));
  rmSync("build/tests", { recursive: true, force: true });
  return {
    ...common,
    sourcemap: "inline",
    entryPoints: found.map((f) => join("src", f)),
    outdir: "build/tests",
    outbase: "src",
    outExtension: { ".js": ".cjs" },
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["vscode"],
  };
}

/** The licences of what was bundled, as they must be handed on. */
function notices(...results) {
  const names = new Set();
  for (const { metafile } of results) {
    for (const path of Object.keys(metafile.inputs)) {
      const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
      if (found) names.add(found[0]);
    }
  }
  const parts = [...names].sort().map((folder) => {
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
    if (!file) throw new Error(`${folder} has no licence file; it cannot be shipped`);
    const text = readFileSync(join(folder, file), "utf8").trim();
    return `${about.name} ${about.version} (${about.license})\n\n${text}\n`;
  });
  writeFileSync("dist/ThirdPartyNotices.txt", parts.join(`\n${"-".repeat(80)}\n\n`));
}

function run(command, ...words) {
  const { status } = spawnSync(command, words, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (has("--package")) {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  mkdirSync("build", { recursive: true });
  run(
    process.execPath,
    "node_modules/@vscode/vsce/vsce",
    "package",
    "--no-dependencies", // everything is in the bundle
    "--allow-missing-repository",
    "--no-rewrite-relative-links",
    "--out",
    `build/autosota-${version}.vsix`,
  );
  cpSync(`build/autosota-${version}.vsix`, "build/autosota.vsix");
} else if (has("--tests")) {
  await esbuild.build(tests());
} else if (has("--watch")) {
  const every = [host, webviews()].filter(Boolean);
  for (const one of every) await (await esbuild.context(one)).watch();
} else {
  rmSync("dist", { recursive: true, force: true });
  const every = [host, webviews()].filter(Boolean);
  notices(...(await Promise.all(every.map((one) => esbuild.build(one)))));
}
