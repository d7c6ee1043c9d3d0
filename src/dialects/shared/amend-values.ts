/**
 * Writes the values of an amendment in a dialect's own members, and names the values that cannot be written.
 */
import { GatewayError } from "../../core/errors.ts";
import type { AmendedValues } from "../../neutral/amendment.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";

/** The dialect's member for each value; null: it has none. */
export type ValueNames = Readonly<Record<Exclude<keyof AmendedValues, "reasoning">, string | null>>;

/** The members to set; each value that the dialect or the model does not take is a drop instead. */
export function amendedMembers(
  values: AmendedValues,
  names: ValueNames,
  traits: ModelTraits,
  dropped: Drop[],
): [name: string, value: unknown][] {
  const members: [string, unknown][] = [];
  for (const parameter of Object.keys(names) as (keyof ValueNames)[]) {
    const value = values[parameter];
    if (value === null) continue;
    const name = names[parameter];
    if (name === null) {
      dropped.push({ field: parameter, reason: "the operator's value has no place in this dialect" });
    } else if (isRefused(parameter, traits)) {
      dropped.push({ field: parameter, reason: "the operator's value was left out: the model refuses it" });
    } else members.push([name, value]);
  }
  return members;
}

function isRefused(parameter: keyof ValueNames, { sampling, stop }: ModelTraits): boolean {
  if (parameter === "stop") return !stop;
  return sampling === "none" && (parameter === "temperature" || parameter === "topP" || parameter === "topK");
}

/** Throws `not_translatable` when the model cannot search the web. */
export function checkSearch(traits: ModelTraits): void {
  if (traits.webSearch) return;
  throw new GatewayError(
    "not_translatable",
    "the model's name asks for web search, which the model does not have; leave the suffix -search out",
    { param: "model" },
  );
}
