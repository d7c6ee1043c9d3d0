import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Counter, Histogram, MAX_SERIES, Metrics } from "./metrics.ts";

describe("a counter", () => {
  test("adds up per combination of labels", () => {
    const counter = new Counter("things_total", "Things.", ["color", "size"]);
    counter.add(1, "red", "big");
    counter.add(2, "red", "big");
    counter.add(1, "red", "small");
    expect([...counter.series()]).toEqual([
      { labels: { color: "red", size: "big" }, value: 3 },
      { labels: { color: "red", size: "small" }, value: 1 },
    ]);
  });

  test("needs no labels", () => {
    const counter = new Counter("things_total", "Things.", []);
    counter.add(1);
    counter.add(1);
    expect([...counter.series()]).toEqual([{ labels: {}, value: 2 }]);
  });

  test("keeps at most MAX_SERIES combinations; the rest is counted as other, and nothing is lost", () => {
    const counter = new Counter("things_total", "Things.", ["name"]);
    for (let i = 0; i < MAX_SERIES + 50; i++) counter.add(1, `name-${i}`);
    counter.add(1, "name-0");
    const series = [...counter.series()];
    expect(series.length).toBe(MAX_SERIES + 1);
    expect(series.find(({ labels }) => labels.name === "other")?.value).toBe(50);
    expect(series.find(({ labels }) => labels.name === "name-0")?.value).toBe(2);
    expect(series.reduce((sum, { value }) => sum + value, 0)).toBe(MAX_SERIES + 51);
  });
});

describe("a histogram", () => {
  test("counts a value in the first bucket whose bound holds it, bounds included", () => {
    const histogram = new Histogram("time_seconds", "Time.", [], [1, 2, 5]);
    for (const value of [0, 1, 1.5, 2, 5, 5.1, 1_000]) histogram.record(value);
    const [series] = [...histogram.series()];
    expect(series).toEqual({ labels: {}, counts: [2, 2, 1, 2], sum: 1_014.6, count: 7 });
  });

  test("for any values, counts and sum agree with the values", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10, max: 700 }), { minLength: 1 }), (values) => {
        const histogram = new Metrics([]).duration;
        for (const value of values) histogram.record(value, "gemini");
        const [series] = [...histogram.series()];
        expect(series?.count).toBe(values.length);
        expect(series?.counts.reduce((a, b) => a + b, 0)).toBe(values.length);
        expect(series?.sum).toBe(values.reduce((a, b) => a + b, 0));
        histogram.bounds.forEach((bound, i) => {
          const below = series?.counts.slice(0, i + 1).reduce((a, b) => a + b, 0);
          expect(below).toBe(values.filter((value) => value <= bound).length);
        });
      }),
    );
  });

  test("every distribution's bounds ascend", () => {
    const { duration, firstByte } = new Metrics([]);
    for (const { bounds } of [duration, firstByte]) {
      expect([...bounds].sort((a, b) => a - b)).toEqual([...bounds]);
      expect(new Set(bounds).size).toBe(bounds.length);
    }
  });
});
