// Which Python runs the server: candidates in their order, the first that has it. A decision over
// what others found; processes, settings and other extensions are not known here.

/** Where a candidate comes from, for the log and for messages. */
export type Source = "setting" | "python extension" | "managed environment" | "path";

export interface Candidate {
  readonly source: Source;
  readonly path: string;
}

/** What a candidate answered when it was asked for the server. */
export type Answered =
  | { readonly version: string; readonly python: string }
  | { readonly why: string };

export interface Chosen extends Candidate {
  readonly version: string;
  readonly python: string;
}

export interface Choice {
  readonly chosen: Chosen | undefined;
  /** Every candidate that was not taken, and why. */
  readonly refused: readonly { readonly candidate: Candidate; readonly why: string }[];
}

/** Asked of a candidate; one line of JSON answers it. Nothing heavy is loaded. */
export const PROBE = [
  "import json, sys, importlib.metadata as m",
  "import autosota.lsp",
  "print(json.dumps({'version': m.version('autosota'), 'python': '%d.%d.%d' % sys.version_info[:3]}))",
].join("\n");

/** Python versions before this cannot have the server. */
export const OLDEST: readonly [number, number] = [3, 11];

export const NAMES: Readonly<Record<Source, string>> = {
  setting: "the setting autosota.interpreter",
  "python extension": "the Python extension's environment",
  "managed environment": "the environment that AutoSOTA made",
  path: "the search path",
};

/**
 * The candidates in their order: a setting is what the user said, so it stands alone; then what
 * the Python extension has chosen; then our own environment; then what a shell would start.
 */
export function candidates(found: {
  readonly setting: string;
  readonly python: readonly string[];
  readonly managed: string | undefined;
  readonly path: readonly string[];
}): Candidate[] {
  if (found.setting) return [{ source: "setting", path: found.setting }];
  const every: Candidate[] = [
    ...found.python.map((path): Candidate => ({ source: "python extension", path })),
    ...(found.managed ? [{ source: "managed environment", path: found.managed } as const] : []),
    ...found.path.map((path): Candidate => ({ source: "path", path })),
  ];
  return every.filter((one, n) => every.findIndex((other) => other.path === one.path) === n);
}

/** Ask one after the other; the first that has the server is taken. */
export async function choose(
  every: readonly Candidate[],
  probe: (path: string) => Promise<Answered>,
): Promise<Choice> {
  const refused: { candidate: Candidate; why: string }[] = [];
  for (const candidate of every) {
    const answer = await probe(candidate.path);
    if ("version" in answer) return { chosen: { ...candidate, ...answer }, refused };
    refused.push({ candidate, why: answer.why });
  }
  return { chosen: undefined, refused };
}

/** What the output of a probe says. */
export function read(ended: {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly why: string;
}): Answered {
  if (ended.why) return { why: ended.why };
  if (ended.code === 0) {
    try {
      const found: unknown = JSON.parse(ended.out.trim().split("\n").at(-1) ?? "");
      if (isAnswer(found)) return found;
    } catch {
      // told below
    }
    return { why: `it does not answer like Python: ${first(ended.out) || "no output"}` };
  }
  if (/ModuleNotFoundError: No module named '(autosota|importlib)/.test(ended.err)) {
    return { why: "autosota is not installed there" };
  }
  const last = ended.err.trim().split("\n").at(-1) ?? "";
  return { why: last || `it ended with ${ended.code ?? "a signal"}` };
}

/** Why none was taken, in one line for a message. */
export function summary(choice: Choice): string {
  const setting = choice.refused.find(({ candidate }) => candidate.source === "setting");
  if (setting) {
    return `${setting.candidate.path} (${NAMES.setting}) cannot run AutoSOTA: ${setting.why}.`;
  }
  return choice.refused.length === 0
    ? "No Python was found to run AutoSOTA with."
    : "No Python environment here has AutoSOTA installed.";
}

function isAnswer(found: unknown): found is { version: string; python: string } {
  return (
    typeof found === "object" &&
    found !== null &&
    "version" in found &&
    typeof found.version === "string" &&
    "python" in found &&
    typeof found.python === "string"
  );
}

function first(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}
