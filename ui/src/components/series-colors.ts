/** Names of custom properties, in the order in which series take them. */
export const SERIES_COLORS = [1, 2, 3, 4, 5, 6, 7].map((at) => `--color-series-${at}`);
