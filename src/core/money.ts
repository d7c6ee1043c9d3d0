/** Money for people: nano-dollars as a decimal text. */

const DECIMALS = 9;
const MIN_DECIMALS = 2;

/** Exact, with two decimals or as many more as the amount has: `5.00`, `0.000000001`. */
export function usdText(nanoUsd: number | bigint): string {
  const digits = String(nanoUsd < 0 ? -nanoUsd : nanoUsd).padStart(DECIMALS + 1, "0");
  const decimals = digits
    .slice(-DECIMALS)
    .replace(/(?<!0)0+$/, "")
    .padEnd(MIN_DECIMALS, "0");
  return `${nanoUsd < 0 ? "-" : ""}${digits.slice(0, -DECIMALS)}.${decimals}`;
}
