/**
 * The seed of all properties of a process: `PROPERTY_SEED`, or a new one. A good run prints the seed too, so
 * that it can be repeated. `PROPERTY_RUNS`: the number of cases of each property that does not set its own.
 */
import fc from "fast-check";

const SEEDS = 2 ** 31;

/** A whole number that fast-check takes. */
const PROPERTY_SEED = Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * SEEDS));

const runs = process.env.PROPERTY_RUNS;
fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: PROPERTY_SEED,
  includeErrorInReport: true,
  ...(runs === undefined ? null : { numRuns: Number(runs) }),
});
console.error(`property seed ${PROPERTY_SEED}`);
