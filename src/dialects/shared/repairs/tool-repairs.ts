/** Tools whose members are null, or that have no schema, in the forms of Chat, Responses and Messages. */
import { isObject, type JsonObject } from "../../../core/json.ts";
import { type BodyEdit, mapMember, type Refusal } from "../../repair.ts";

/**
 * Clients without a description or parameters write null for them: Arsucar/RikkaRs#48, farion1231/cc-switch#5490.
 * MiniMax wants a schema in each tool: QwenLM/qwen-code#11834.
 */
export const TOOL_MEMBERS_REFUSED: readonly Refusal[] = [
  { words: /^(?:invalid params, )?function parameters is empty/i, repairs: ["add-properties"] },
  {
    words:
      /^Invalid schema for function '[^'\n]{0,80}': schema must be a JSON Schema of 'type: "object"', got 'type: "?(?:null|None)"?'/i,
    repairs: ["add-properties"],
  },
  {
    words:
      /^(?:Invalid request content: )?(?:Schema validation failed: )?\[standard_violation\] \(root\): null is not of types/i,
    repairs: ["add-properties"],
  },
  {
    words:
      /^(?:body\.)?tools[.[]\d+\]?\.(?:function\.|custom\.)?(?:parameters|input_schema)['"`]?[:,]? [^\n]{0,60}(?:\bnull\b|None|valid dictionary|Input should be|required|expected (?:a map|an object|struct))/i,
    repairs: ["add-properties"],
  },
  {
    words:
      /^(?:body\.)?tools[.[]\d+\]?\.(?:function\.|custom\.)?(?:description|strict)['"`]?[:,]? [^\n]{0,60}(?:\bnull\b|None|valid string|valid boolean|Input should be|expected a (?:string|boolean))/i,
    repairs: ["without-nulls"],
  },
];

/** `schema`: the member that says what a tool takes. */
export function addProperties(schema: "parameters" | "input_schema"): BodyEdit {
  return {
    field: "tools",
    parameter: null,
    reason: "a tool without a schema, or a schema without properties, got an empty one",
    change: (body) => mapMember(body, "tools", (tool) => withHolder(tool, (one) => withSchema(one, schema))),
  };
}

export const WITHOUT_NULLS: BodyEdit = {
  field: "tools",
  parameter: null,
  reason: "members of tools that are null were left out, because the upstream refuses them",
  concerns: ["tools"],
  change: (body) => mapMember(body, "tools", (tool) => withHolder(withoutNulls(tool), withoutNulls)),
};

/** Chat nests what Responses and Messages have in the tool itself. */
function withHolder(tool: JsonObject, change: (holder: JsonObject) => JsonObject): JsonObject {
  const nested = isObject(tool.function) ? "function" : isObject(tool.custom) ? "custom" : null;
  if (nested === null) return change(tool);
  const before = tool[nested] as JsonObject;
  const after = change(before);
  return after === before ? tool : { ...tool, [nested]: after };
}

/** Tools of other types are run by a provider, or take a text. */
function withSchema(holder: JsonObject, member: "parameters" | "input_schema"): JsonObject {
  const { type } = holder;
  if (typeof holder.name !== "string" || (type !== undefined && type !== "function")) return holder;
  const schema = holder[member];
  if (schema === undefined || schema === null)
    return { ...holder, [member]: { type: "object", properties: {} } };
  if (!isObject(schema) || schema.type !== "object" || schema.properties !== undefined) return holder;
  return { ...holder, [member]: { ...schema, properties: {} } };
}

function withoutNulls(holder: JsonObject): JsonObject {
  const kept = Object.entries(holder).filter(([, value]) => value !== null);
  return kept.length === Object.keys(holder).length ? holder : Object.fromEntries(kept);
}
