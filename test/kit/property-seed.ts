/**
 * The seed of all properties of a process: `PROPERTY_SEED`, or a new one. It is printed also when all is well, so that a run can be
 * repeated. `PROPERTY_RUNS` is how often a property is tried that does not say it itself.
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
