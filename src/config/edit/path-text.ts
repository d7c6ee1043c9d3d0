/** Reads the text of a path, as `renderPath` writes it. */
import type { Path } from "../problem.ts";

const STEP = /(?:^|\.)(?:([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*"))|\[(\d{1,9})\]/y;

/** From `upstreams[0].credentials[1].weight`; null: it is no path. */
export function parsePath(text: string): Path | null {
  const path: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const found = STEP.exec(text);
    if (found === null) return null;
    const [, bare, quoted, index] = found;
    if (index !== undefined) path.push(Number(index));
    else if (bare !== undefined) path.push(bare);
    else {
      const name = unquote(quoted as string);
      if (name === null) return null;
      path.push(name);
    }
  }
  return path.length === 0 || typeof path[0] === "number" ? null : path;
}

function unquote(quoted: string): string | null {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return null;
  }
}
