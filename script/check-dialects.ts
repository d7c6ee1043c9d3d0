/** Holds the folders of the dialects to the plan of dialect-plan.ts. */
import { EXTRA, OPTIONAL, PLAN } from "./dialect-plan.ts";
import { isTest, type Violation } from "./source-files.ts";

const REASON = "who knows one dialect finds the way in the others";

/** Files that the plan does not name, files of the plan that a dialect lacks, and names of the plan that no file has. */
export function checkDialects(files: ReadonlyMap<string, string>): readonly Violation[] {
  const dialects = new Map<string, Set<string>>();
  for (const path of files.keys()) {
    const [, dialect, name] = /^src\/dialects\/([^/]+)\/([^/]+)\.ts$/.exec(path) ?? [];
    if (dialect === undefined || name === undefined || dialect === "shared" || isTest(path)) continue;
    dialects.set(dialect, (dialects.get(dialect) ?? new Set()).add(name));
  }
  const violations: Violation[] = [];
  for (const [dialect, names] of dialects) {
    for (const name of names) {
      if ([...PLAN, ...OPTIONAL].includes(name)) continue;
      if (Object.hasOwn(EXTRA, `${dialect}/${name}`)) continue;
      violations.push({
        file: `src/dialects/${dialect}/${name}.ts`,
        line: 1,
        rule: `the floor plan of a dialect has no file ${name}.ts; use a name of the plan, or say why in script/dialect-plan.ts`,
        reason: REASON,
      });
    }
    for (const name of PLAN.filter((planned) => !names.has(planned)))
      violations.push({
        file: `src/dialects/${dialect}`,
        line: 1,
        rule: `the floor plan of a dialect asks for ${name}.ts`,
        reason: REASON,
      });
  }
  for (const place of Object.keys(EXTRA)) {
    const [dialect = "", name = ""] = place.split("/");
    if (dialects.get(dialect)?.has(name) !== false) continue;
    violations.push({
      file: "script/dialect-plan.ts",
      line: 1,
      rule: `EXTRA names ${place}, which is not there`,
      reason: "a reason without its file misleads",
    });
  }
  return violations;
}
