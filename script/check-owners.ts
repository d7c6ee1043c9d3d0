/** Holds `src/` to the rules of identity-rules.ts. */
import { OWNER_RULES, type OwnerRule } from "./identity-rules.ts";
import { isIn, isTest, type Violation } from "./source-files.ts";
import { lineAt, scanText } from "./source-scan.ts";

/**
 * Every place beyond the expected ones, or one violation at `src` when there are too few. Tests are free of
 * the rules.
 */
export function checkOwners(
  files: ReadonlyMap<string, string>,
  rules: readonly OwnerRule[] = OWNER_RULES,
): readonly Violation[] {
  const scanned = [...files]
    .filter(([path]) => path.startsWith("src/") && !isTest(path))
    .map(([path, text]) => ({ path, text, scan: scanText(text) }));
  return rules.flatMap(({ rule, reason, find, except, expected = 0 }) => {
    const places = scanned
      .filter(({ path }) => !isIn(path, except))
      .flatMap(({ path, text, scan }) =>
        find(scan).map((offset) => ({ file: path, line: lineAt(text, offset), rule, reason })),
      );
    if (places.length < expected)
      return [{ file: "src", line: 1, rule: `${rule}; found ${places.length}, not ${expected}`, reason }];
    return places.length > expected ? places : [];
  });
}
