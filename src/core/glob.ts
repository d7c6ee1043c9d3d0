/** Whether a name matches. */
export type Glob = (name: string) => boolean;

/**
 * A test for names with a pattern in which `*` stands for any text, also for none. Upper and lower case are the same:
 * some providers do not tell them apart. The work is at most the product of both lengths, whatever the pattern.
 */
export function makeGlob(pattern: string): Glob {
  const lower = pattern.toLowerCase();
  if (lower === "*") return () => true;
  return (name) => isMatch(lower, name.toLowerCase());
}

/** As `makeGlob`, but upper and lower case differ: for what a name gives a right to. */
export function makeExactGlob(pattern: string): Glob {
  return (name) => isMatch(pattern, name);
}

function isMatch(pattern: string, name: string): boolean {
  let at = 0;
  let inName = 0;
  /** Behind the last star, and where its text ends for now. */
  let afterStar = -1;
  let starEnd = 0;
  while (inName < name.length) {
    if (pattern[at] === "*") {
      afterStar = ++at;
      starEnd = inName;
    } else if (at < pattern.length && pattern[at] === name[inName]) {
      at++;
      inName++;
    } else if (afterStar >= 0) {
      at = afterStar;
      inName = ++starEnd;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
