import { expect, test } from "bun:test";
import { GrownText } from "./grown-text.ts";

test("it is what was added, however often it is read", () => {
  const grown = new GrownText();
  let all = "";
  for (let i = 0; i < 1_000; i++) {
    grown.add(`${i} `);
    all += `${i} `;
    if (i % 300 === 0) expect(grown.text).toBe(all);
  }
  expect(grown.text).toBe(all);
  grown.clear();
  expect(grown.text).toBe("");
});
