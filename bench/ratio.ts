/** The judgement on two builds, from the ratios of their rounds. Pure. */

/** A median ratio up to this is no worse. */
const NO_WORSE = 1.05;

export type Verdict = "same" | "better" | "worse";

/** The ratios of the rounds in three figures. */
export interface Spread {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
}

/** New over old, one ratio for each round; below 1 the new build needs less. */
export interface RatioSummary extends Spread {
  readonly verdict: Verdict;
}

/** Not a number as soon as one round could not be measured. */
export function spreadOf(ratios: readonly number[]): Spread {
  const isWhole = ratios.length > 0 && ratios.every(Number.isFinite);
  const [lowerQuartile = 0, middle = 0, upperQuartile = 0] = [0.25, 0.5, 0.75].map((share) =>
    isWhole ? quantile(ratios, share) : Number.NaN,
  );
  return { median: middle, lowerQuartile, upperQuartile };
}

/**
 * A difference counts when it is at least half as large as the distance of the quartiles. A figure that could
 * not be measured in some round has not been shown to be no worse.
 */
export function summarizeRatios(ratios: readonly number[]): RatioSummary {
  const spread = spreadOf(ratios);
  const { median, lowerQuartile, upperQuartile } = spread;
  const isNoise = Math.abs(median - 1) < (upperQuartile - lowerQuartile) / 2;
  const isNoWorse = median <= NO_WORSE || isNoise;
  const verdict = !isNoWorse ? "worse" : median < 1 / NO_WORSE && !isNoise ? "better" : "same";
  return { ...spread, verdict };
}

/** Between two values in proportion, so that the quantile of 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [lower = Number.NaN, upper = lower] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return lower + (upper - lower) * (place - Math.floor(place));
}
