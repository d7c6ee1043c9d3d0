/** Budgets under every order of requests, crashes, reloads and clock steps: never over, never leaked. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { openStore } from "../../src/ledger/store-file.ts";
import { type Budgets, FOLDER, type Limits, MODELS, World } from "./world.ts";

const CASES = Number(process.env.PROPERTY_RUNS ?? 200);

let folder = "";
let template = "";
beforeAll(() => {
  folder = mkdtempSync(join(FOLDER, "clewline-template-"));
  openStore(folder).close();
  template = join(folder, "ledger.db");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Of a large one a portion is enough for many requests, whose charges are within their rows then. */
const budget = fc.option(
  fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 10_000, max: 100_000 })),
  { freq: 2 },
);
const budgets: fc.Arbitrary<Budgets> = fc.record({ day: budget, week: budget, month: budget });
const limits: fc.Arbitrary<Limits> = fc.record({
  timeZone: fc.constantFrom("UTC", "Europe/Berlin", "Pacific/Auckland"),
  keys: fc.tuple(budgets, budgets),
  ofModels: budgets,
  team: budgets,
});

/** The first gateway is there most of the time. */
const gateway = fc.constantFrom(0, 0, 0, 1);
const nth = fc.nat(20);
const cost = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 120 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2_200 }) },
);
/** Of what was held; some requests cost more. */
const part = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 0.1, 0.5, 0.9, 1) },
  { weight: 1, arbitrary: fc.constantFrom(1.2, 3) },
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 5 * MINUTE_MS }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1_000, HOUR_MS, 24 * HOUR_MS, 8 * 24 * HOUR_MS, -5 * MINUTE_MS, -HOUR_MS),
  },
);

/** A step, and its name for reports. */
interface Act {
  readonly name: string;
  readonly run: (world: World) => void;
}

function named(name: string, run: (world: World) => void): Act {
  return { name, run, [fc.toStringMethod]: () => name } as Act;
}

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(gateway, fc.nat(1), fc.constantFrom(...MODELS), cost)
      .map(([i, key, model, nanoUsd]) =>
        named(`ask ${i} key${key} ${model} ${nanoUsd}`, (world) => world.ask(i, key, model, nanoUsd)),
      ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(gateway, nth, part)
      .map(([i, n, of]) => named(`settle ${i} ${n} ${of}`, (world) => world.settle(i, n, of))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(gateway, nth, cost)
      .map(([i, n, nanoUsd]) => named(`grow ${i} ${n} ${nanoUsd}`, (world) => world.grow(i, n, nanoUsd))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(gateway, nth)
      .map(([i, n]) => named(`release ${i} ${n}`, (world) => world.release(i, n))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(gateway, fc.nat(1), fc.constantFrom(...MODELS), fc.nat(120))
      .map(([i, key, model, nanoUsd]) =>
        named(`burst ${i} key${key} ${model} ${nanoUsd}`, (world) => world.burst(i, key, model, nanoUsd)),
      ),
  },
  { weight: 3, arbitrary: gateway.map((i) => named(`commit ${i}`, (world) => world.commit(i))) },
  { weight: 3, arbitrary: step.map((ms) => named(`step ${ms}`, (world) => world.step(ms))) },
  {
    weight: 1,
    arbitrary: limits.map((changed) =>
      named(`reload ${JSON.stringify(changed)}`, (world) => world.reload(changed)),
    ),
  },
  {
    weight: 1,
    arbitrary: gateway.map((i) =>
      named(`kill ${i}`, (world) => {
        world.kill(i);
        world.start(i);
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: gateway.map((i) =>
      named(`stop ${i}`, (world) => {
        world.stop(i);
        world.start(i);
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant(named("start 1", (world) => world.start(1))) },
  { weight: 1, arbitrary: fc.constant(named("correct", (world) => world.correctAll())) },
);

test(`${CASES} cases: no budget is ever spent and held above its limit, nothing stays open, and the ledger says the same`, () => {
  const sums = { asked: 0, refused: 0, unavailable: 0, lost: 0, within: 0 };
  fc.assert(
    fc.property(limits, fc.array(act, { minLength: 1, maxLength: 40, size: "max" }), (first, acts) => {
      using world = new World(template, first);
      for (const { run } of acts) run(world);
      world.end();
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += world.counts[name];
    }),
    { numRuns: CASES },
  );
  console.log(JSON.stringify(sums));
  // The cases are about something.
  expect(Math.min(sums.asked - sums.refused, sums.refused, sums.lost, sums.within)).toBeGreaterThan(
    CASES / 10,
  );
});
