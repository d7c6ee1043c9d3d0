import { expect, test } from "bun:test";
import fc from "fast-check";
import { Metrics } from "../core/metrics.ts";
import { type Gauge, renderMetrics } from "./metrics-text.ts";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const UNESCAPE: Readonly<Record<string, string>> = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** A strict reader of Prometheus' text format 0.0.4: anything that a scraper would stumble over throws. */
function parse(page: string): Map<string, Family> {
  if (!page.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  const seen = new Set<string>();
  for (const line of page.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    if (help !== null) {
      if (helps.has(help[1] as string)) throw new Error(`a second HELP: ${line}`);
      helps.set(help[1] as string, help[2] as string);
      continue;
    }
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      const name = type[1] as string;
      if (families.has(name)) throw new Error(`a second TYPE: ${line}`);
      families.set(name, { type: type[2] as string, help: helps.get(name) ?? "", samples: [] });
      continue;
    }
    if (line.startsWith("#")) continue;
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)(?: \d+)?$/.exec(
        line,
      );
    if (sample === null) throw new Error(`not a sample: ${line}`);
    const [, name = "", labelText = "", valueText = ""] = sample;
    if (seen.has(`${name}{${labelText}}`)) throw new Error(`twice: ${line}`);
    seen.add(`${name}{${labelText}}`);
    const labels: Record<string, string> = {};
    for (const [, key = "", text = ""] of labelText.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key] = text.replaceAll(/\\[\\"n]/g, (found) => UNESCAPE[found] as string);
    }
    const value = valueText === "+Inf" ? Number.POSITIVE_INFINITY : Number(valueText);
    if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
    const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ""));
    if (family === undefined) throw new Error(`a sample before its TYPE: ${line}`);
    family.samples.push({ name, labels, value });
  }
  return families;
}

const render = async (metrics: Metrics, gauges: readonly Gauge[] = []) =>
  parse(await renderMetrics(metrics, gauges, 1_795_000_000_000, 1_795_000_060_000));

test("counters keep their names, with _total once, and their labels", async () => {
  const metrics = new Metrics([]);
  metrics.requests.add(2, "gemini", "google", "ok");
  metrics.requests.add(1, "gemini", "google", "error");
  metrics.exceptions.add(1);
  metrics.tokens.add(12_345_678_901, "google", "input");
  const families = await render(metrics);
  expect(families.get("clewline_requests_total")).toEqual({
    type: "counter",
    help: "Requests by outcome.",
    samples: [
      {
        name: "clewline_requests_total",
        labels: { dialect: "gemini", upstream: "google", outcome: "ok" },
        value: 2,
      },
      {
        name: "clewline_requests_total",
        labels: { dialect: "gemini", upstream: "google", outcome: "error" },
        value: 1,
      },
    ],
  });
  expect(families.get("clewline_exceptions_total")?.samples).toEqual([
    { name: "clewline_exceptions_total", labels: {}, value: 1 },
  ]);
  expect(families.get("clewline_tokens_total")?.samples[0]?.value).toBe(12_345_678_901);
  for (const name of families.keys()) expect(name).not.toMatch(/_total_total|_total.+/);
});

test("histograms have cumulative buckets up to +Inf, a sum and a count", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(700_000), { minLength: 1, maxLength: 50 }), async (values) => {
      const metrics = new Metrics([]);
      for (const ms of values) metrics.duration.record(ms / 1_000, "openai-chat");
      const family = (await render(metrics)).get("clewline_request_duration_seconds");
      expect(family?.type).toBe("histogram");
      const part = (suffix: string): Sample[] =>
        family?.samples.filter(({ name }) => name === `clewline_request_duration_seconds_${suffix}`) ?? [];
      const buckets = part("bucket");
      const bounds = buckets.map(({ labels }) =>
        labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le),
      );
      expect(bounds).toEqual([...metrics.duration.bounds, Number.POSITIVE_INFINITY]);
      buckets.forEach(({ labels, value }, i) => {
        expect(labels.dialect).toBe("openai-chat");
        expect(value).toBe(values.filter((ms) => ms / 1_000 <= (bounds[i] as number)).length);
      });
      expect(part("count")[0]?.value).toBe(values.length);
      expect(part("sum")[0]?.value).toBeCloseTo(values.reduce((a, b) => a + b, 0) / 1_000, 6);
    }),
    { numRuns: 20 },
  );
});

test("gauges are shown as they are read", async () => {
  const gauge = (name: string, value: number): Gauge => ({
    name,
    help: "Help.",
    points: [{ labels: {}, value }],
  });
  const families = await render(new Metrics([]), [
    gauge("process_resident_memory_bytes", 123_456_789_012),
    gauge("clewline_nothing", 0),
    gauge("process_start_time_seconds", 1_795_000_000.25),
    { name: "clewline_credentials", help: "By state.", points: [] },
  ]);
  expect(families.get("process_resident_memory_bytes")).toMatchObject({
    type: "gauge",
    samples: [{ value: 123_456_789_012 }],
  });
  expect(families.get("clewline_nothing")?.samples[0]?.value).toBe(0);
  expect(families.get("process_start_time_seconds")?.samples[0]?.value).toBe(1_795_000_000.25);
});

test("any label value comes back as it was: quotes, backslashes, line ends and all", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom(...'ab"\\\n{}=, é'.split("")), maxLength: 12 }),
      async (text) => {
        const families = await render(new Metrics([]), [
          {
            name: "clewline_odd",
            help: 'Help with "quotes" and \\.',
            points: [{ labels: { name: text }, value: 1 }],
          },
        ]);
        expect(families.get("clewline_odd")?.samples).toEqual([
          { name: "clewline_odd", labels: { name: text }, value: 1 },
        ]);
      },
    ),
    { numRuns: 200 },
  );
});

test("a gateway that has served nothing has a page that parses", async () => {
  const families = await render(new Metrics([]));
  for (const { samples } of families.values()) expect(samples.every(({ value }) => value === 0)).toBe(true);
});
