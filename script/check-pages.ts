/** Who may import whom in `ui/src/`, the pages of the admin. */
import { dirname, join, normalize } from "node:path";
import { UI_IMPORTS } from "./import-rules.ts";
import { isIn, type Violation } from "./source-files.ts";
import { importsOf, lineAt, scanText } from "./source-scan.ts";

/** The folders from the lowest to the highest. Features do not know one another. */
const FLOORS = ["locales", "lib", "components", "features", "app"];

const floorOf = (path: string): number => FLOORS.indexOf(path.split("/")[2] ?? "");
const featureOf = (path: string): string | null => /^ui\/src\/features\/([^/]+)\//.exec(path)?.[1] ?? null;

/** Markup from text, which trusted types would refuse in the browser, and what runs text as code. */
const MARKUP =
  /\bdangerouslySetInnerHTML\b|\.(?:inner|outer)HTML\b|\binsertAdjacentHTML\b|(?<![\w$.])eval\s*\(/g;

export function checkPages(files: ReadonlyMap<string, string>): readonly Violation[] {
  const violations: Violation[] = [];
  for (const [path, text] of files) {
    const { masked } = scanText(text);
    const add = (line: number, rule: string, reason: string): void =>
      void violations.push({ file: path, line, rule, reason });
    for (const match of masked.matchAll(MARKUP))
      add(lineAt(text, match.index), "no markup from text", "names and answers of models are hostile text");
    for (const { specifier, line } of importsOf(text, masked)) {
      if (!specifier.startsWith(".")) continue;
      const target = normalize(join(dirname(path), specifier));
      if (target.startsWith("src/") && !isIn(target, UI_IMPORTS.only))
        add(line, `ui does not import ${target}`, UI_IMPORTS.reason);
      if (!target.startsWith("ui/")) continue;
      if (floorOf(target) > floorOf(path))
        add(line, `no import upwards: "${specifier}"`, `the floors are ${FLOORS.join(" ← ")}`);
      const [own, other] = [featureOf(path), featureOf(target)];
      if (own !== null && other !== null && own !== other)
        add(
          line,
          `a feature imports no other feature: "${specifier}"`,
          "what two features need is in components or lib",
        );
    }
  }
  return violations;
}
