/** F29: mixed use for a while leaves nothing behind. */
import { expect, test } from "bun:test";
import { IS_FULL } from "../../kit/gateway.ts";
import { renderSoak, soak } from "./soak.ts";

const MINUTES = IS_FULL ? 30 : 1;
/** A minute is warm-up; a real leak of a request is far more in thousands of them. */
const MOST_GROWN_MB = IS_FULL ? 10 : 40;

test(
  `F29 ${MINUTES} minutes of mixed use`,
  async () => {
    const figures = await soak(MINUTES, 20_261_130, console.log);
    console.log(renderSoak(figures));
    expect(figures.failed).toBe(0);
    expect(figures.inFlight).toBe(0);
    expect(figures.rows).toBeGreaterThan(figures.requests * 0.8);
    const { rssMb, descriptors } = figures;
    const [half = 0, end = 0] = [rssMb[rssMb.length >> 1], rssMb.at(-1)];
    expect(end - half).toBeLessThan(MOST_GROWN_MB);
    expect(Math.max(...descriptors.slice(descriptors.length >> 1))).toBeLessThan(100);
  },
  (MINUTES + 5) * 60_000,
);
