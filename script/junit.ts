/** Reads the JUnit report that `bun test` writes. */

/** One test of a report. */
export interface ReportedTest {
  readonly name: string;
  /** The titles of the `describe` around the test, outermost first. */
  readonly around: readonly string[];
  readonly file: string;
  readonly result: "passed" | "failed" | "skipped";
}

/** The tests of a report, in its order. */
export function readReportedTests(junit: string): readonly ReportedTest[] {
  const tests: ReportedTest[] = [];
  for (const match of junit.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const [, attributes = "", body = ""] = match;
    const read = (name: string): string =>
      decodeEntities(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    tests.push({
      name: read("name"),
      around: read("classname").split(" > "),
      file: read("file"),
      result: resultOf(body),
    });
  }
  return tests;
}

function resultOf(body: string): ReportedTest["result"] {
  if (body.includes("<skipped")) return "skipped";
  return body.includes("<failure") || body.includes("<error") ? "failed" : "passed";
}

const NAMES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function decodeEntities(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp|#\d+);/g, (_, name: string) =>
    name.startsWith("#") ? String.fromCodePoint(Number(name.slice(1))) : (NAMES[name] ?? ""),
  );
}
