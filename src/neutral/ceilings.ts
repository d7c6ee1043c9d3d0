/**
 * The most that a request or an answer may hold of what a client or an upstream can lengthen, so that one of them cannot
 * keep the gateway from all others. Each is far above real use; docs/translation.md lists them. They hold where the
 * gateway translates: what it relays, it does not read.
 */
import { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { ModelRequest } from "./request.ts";

/** Providers take 128 to a few hundred. */
export const MAX_TOOLS = 4_096;
/** As many as Anthropic takes. */
export const MAX_MESSAGES = 100_000;
/** A model calls some tens at once. */
export const MAX_CALLS = 1_000;
/** In one schema. The largest schemas in use, of whole APIs, have some hundreds. */
export const MAX_SCHEMA_BRANCHES = 10_000;
export const MAX_SCHEMA_REFS = 10_000;
/** Of what a provider has stored for one reply: its response, its container, its conversation. */
export const MAX_STATE_IDS = 16;
/** In one answer. Each grows when it is written for a client of another dialect. */
export const MAX_CITATIONS = 10_000;

/** Throws `bad_request` for a request with more tools, messages, calls, schema branches or references than a translation takes. */
export function checkCeilings({ tools, toolChoice, messages, output }: ModelRequest): void {
  const extra = tools[MAX_TOOLS];
  if (extra !== undefined) throw tooMany(extra.at, `the request has ${tools.length} tools`, MAX_TOOLS);
  if (toolChoice?.mode === "subset" && toolChoice.tools.length > MAX_TOOLS)
    throw tooMany("toolChoice", `the request allows ${toolChoice.tools.length} tools`, MAX_TOOLS);
  if (messages.length > MAX_MESSAGES)
    throw tooMany("messages", `the request has ${messages.length} messages`, MAX_MESSAGES);
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    let calls = 0;
    for (const part of message.parts) if (part.type === "tool-call") calls++;
    if (calls > MAX_CALLS)
      throw tooMany(message.at ?? "messages", `the turn makes ${calls} calls of tools`, MAX_CALLS);
  }
  for (const tool of tools)
    if (tool.kind === "function" && tool.parameters !== null) checkSchema(tool.parameters, tool.at);
  if (output?.kind === "json-schema") checkSchema(output.schema, "output");
}

/** Throws `upstream_garbage` for an answer with so many citations, if they are more than a translation takes. */
export function checkCitations(count: number): void {
  if (count <= MAX_CITATIONS) return;
  throw new GatewayError(
    "upstream_garbage",
    `the upstream sent an answer with more than ${MAX_CITATIONS} citations`,
  );
}

const BRANCHES: ReadonlySet<string> = new Set(["anyOf", "oneOf", "allOf"]);

function checkSchema(schema: JsonObject, at: string): void {
  let branches = 0;
  let references = 0;
  const open: object[] = [schema];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) {
      for (const inner of value) if (typeof inner === "object" && inner !== null) open.push(inner);
      continue;
    }
    for (const name in value) {
      const inner = (value as JsonObject)[name];
      if (typeof inner !== "object" || inner === null) {
        if (name === "$ref" && typeof inner === "string") references++;
        continue;
      }
      if (Array.isArray(inner) && BRANCHES.has(name)) branches += inner.length;
      open.push(inner);
    }
  }
  if (branches > MAX_SCHEMA_BRANCHES)
    throw tooMany(at, `the schema has ${branches} branches`, MAX_SCHEMA_BRANCHES);
  if (references > MAX_SCHEMA_REFS)
    throw tooMany(at, `the schema has ${references} references`, MAX_SCHEMA_REFS);
}

function tooMany(param: string, what: string, most: number): GatewayError {
  const message = `${what}, and ${most} are the most that are translated for a model of another provider; send fewer`;
  return new GatewayError("bad_request", message, { param });
}
