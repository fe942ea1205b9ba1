// Which workspace a command is for when it does not say so.

import { realpathSync } from "node:fs";
import { sep } from "node:path";

/**
 * Of the roots that the server has told of: the innermost that `file` lies in; else the one that
 * was active before; else the one of the first folder that has one; else the first.
 */
export function rootOf(
  file: string | undefined,
  roots: readonly string[],
  folders: readonly string[],
  before: string | undefined,
): string | undefined {
  const ofFile = file === undefined ? undefined : innermost(file, roots);
  if (ofFile !== undefined) return ofFile;
  if (before !== undefined && roots.includes(before)) return before;
  for (const folder of folders) {
    const found = innermost(folder, roots) ?? roots.find((root) => lies(root, real(folder)));
    if (found !== undefined) return found;
  }
  return roots[0];
}

function innermost(path: string, roots: readonly string[]): string | undefined {
  const place = real(path);
  return roots
    .filter((root) => lies(place, root))
    .reduce<string | undefined>((a, b) => (a === undefined || b.length > a.length ? b : a), undefined);
}

function lies(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Where links lead, as the server names its roots; the path itself where nothing is there. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
