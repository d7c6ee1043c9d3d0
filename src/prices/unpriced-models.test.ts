import { expect, test } from "bun:test";
import { UnpricedModels } from "./unpriced-models.ts";

test("models that one client makes up keep no later one from being told", () => {
  const models = new UnpricedModels();
  for (let n = 0; n < 300; n++) models.note("up", `made-up-${n}`, n);
  models.note("up", "real", 300);
  models.note("up", "made-up-299", 301);
  expect(models.after(299)).toEqual(["up/real", "up/made-up-299"]);
  expect(models.after(-1)).toHaveLength(256);
});
