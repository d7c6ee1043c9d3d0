/** Which of several values for a parameter counts. */
import { describe, expect, test } from "bun:test";
import { type AmendedValues, type Amendment, type ParameterValues, planAmendment } from "./amendment.ts";

const NONE: ParameterValues = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};
const plan = (
  more: {
    fixed?: Partial<ParameterValues>;
    defaults?: Partial<ParameterValues>;
    thinking?: Amendment["thinking"];
  },
  ...said: (keyof AmendedValues)[]
): AmendedValues =>
  planAmendment(
    {
      thinking: more.thinking ?? null,
      search: false,
      systemBefore: null,
      systemAfter: null,
      fixed: { ...NONE, ...more.fixed },
      defaults: { ...NONE, ...more.defaults },
    },
    (parameter) => said.includes(parameter),
  );

describe("a value", () => {
  test.each([
    ["topK", 1, 2],
    ["maxOutputTokens", 1, 2],
    ["seed", 1, 2],
    ["temperature", 0, 1],
    ["topP", 0.1, 0.2],
    ["stop", ["a"], ["b"]],
  ] as const)("of %s: fixed before the client's before the default", (name, fixed, byDefault) => {
    const both = { fixed: { [name]: fixed }, defaults: { [name]: byDefault } };
    expect(plan(both, name)[name]).toEqual(fixed);
    expect(plan({ defaults: { [name]: byDefault } }, name)[name]).toBeNull();
    expect(plan({ defaults: { [name]: byDefault } })[name]).toEqual(byDefault);
    expect(plan({})[name]).toBeNull();
  });

  test("by default of temperature or top-p does not join another's value of the other", () => {
    const defaults = { temperature: 0.1, topP: 0.2 };
    expect(plan({ defaults })).toMatchObject(defaults);
    expect(plan({ defaults }, "topP")).toMatchObject({ temperature: null, topP: null });
    expect(plan({ defaults, fixed: { topP: 0.9 } })).toMatchObject({ temperature: null, topP: 0.9 });
  });
});

test("thinking: fixed before the client's before the suffix before the default", () => {
  const thinking = { budgetTokens: 4_000 };
  const [fixed, defaults] = [{ effort: "low" }, { thinkingBudgetTokens: 9 }] as const;
  const amount = (values: AmendedValues) => values.reasoning?.effort ?? values.reasoning?.budgetTokens;
  expect(amount(plan({ fixed, thinking, defaults }, "reasoning"))).toBe("low");
  expect(plan({ thinking, defaults }, "reasoning").reasoning).toBeNull();
  expect(amount(plan({ thinking, defaults }))).toBe(4_000);
  expect(amount(plan({ defaults }))).toBe(9);
  expect(plan({ thinking: { budgetTokens: null } }).reasoning).toEqual({
    effort: null,
    budgetTokens: null,
    isDynamic: true,
    isShown: true,
  });
});
