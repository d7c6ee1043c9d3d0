import { expect, test } from "bun:test";
import * as v from "valibot";
import { toCamel } from "../../config/camel-case.ts";
import { modelTraits } from "../../config/schema-models.ts";
import { makeTraitsOverride } from "./traits-override.ts";

const overrideOf = (entry: object) => makeTraitsOverride(toCamel(modelTraits, v.parse(modelTraits, entry)));

test("an entry replaces the traits that it mentions, and no others", () => {
  expect(
    overrideOf({
      match: "local-*",
      context_tokens: 8192,
      efforts: ["low", "none"],
      thinks_by_default: true,
      image: true,
      mid_system: false,
    }),
  ).toEqual({
    match: "local-*",
    traits: {
      contextTokens: 8_192,
      midSystem: false,
      thinking: { efforts: ["low", "none"], isOnByDefault: true },
      input: { image: true },
    },
  });
  expect(overrideOf({ match: "bare" })).toEqual({ match: "bare", traits: {} });
});
