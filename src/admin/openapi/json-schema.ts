/** A schema of the contract as JSON Schema: what comes or goes on the wire, before any transformation. */
import type * as v from "valibot";

type Json = Record<string, unknown>;

/** The parts of valibot's schemas that the contract uses. */
interface Part {
  readonly kind: string;
  readonly type: string;
  readonly pipe?: readonly Part[];
  readonly entries?: Readonly<Record<string, Part>>;
  readonly item?: Part;
  readonly items?: readonly Part[];
  readonly value?: Part;
  readonly wrapped?: Part;
  readonly options?: readonly unknown[];
  readonly requirement?: unknown;
}

export function jsonSchemaOf(schema: Pick<v.GenericSchema, "kind" | "type">): Json {
  return ofPart(schema as unknown as Part);
}

function ofPart(part: Part): Json {
  const { pipe } = part;
  if (pipe === undefined) return ofType(part);
  const [first, ...actions] = pipe as readonly [Part, ...Part[]];
  return Object.assign(ofPart(first), ...actions.map(ofAction));
}

function ofType({ type, entries = {}, item, items = [], value, wrapped, options }: Part): Json {
  switch (type) {
    case "string":
    case "number":
    case "boolean":
      return { type };
    case "unknown":
      return {};
    case "picklist":
      return { enum: options };
    case "array":
      return { type, items: ofPart(item as Part) };
    case "tuple":
      return {
        type: "array",
        prefixItems: items.map(ofPart),
        minItems: items.length,
        maxItems: items.length,
      };
    case "record":
      return { type: "object", additionalProperties: ofPart(value as Part) };
    case "nullable":
      return { anyOf: [ofPart(wrapped as Part), { type: "null" }] };
    case "optional":
      return ofPart(wrapped as Part);
    case "strict_object":
      return {
        type: "object",
        properties: Object.fromEntries(Object.entries(entries).map(([name, of]) => [name, ofPart(of)])),
        required: Object.keys(entries).filter((name) => entries[name]?.type !== "optional"),
        additionalProperties: false,
      };
    default:
      throw new TypeError(`the contract has a schema of an unknown type, ${type}`);
  }
}

const ACTIONS: Readonly<Record<string, (requirement: unknown, type?: string) => Json>> = {
  integer: () => ({ type: "integer" }),
  min_value: (requirement) => ({ minimum: requirement }),
  max_value: (requirement) => ({ maximum: requirement }),
  regex: (requirement) => ({ pattern: (requirement as RegExp).source }),
};

function ofAction({ type, requirement }: Part): Json {
  return ACTIONS[type]?.(requirement) ?? {};
}
