/** The OpenAPI document of the admin API, made from the contract. */

import type { Operation } from "../contract/operation.ts";
import { OPERATIONS } from "../contract.ts";
import { jsonSchemaOf } from "./json-schema.ts";

export function makeOpenApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    const path = `/admin/api${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(name, operation) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Clewline admin API", version },
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "Made by clewline admin token." },
        session: { type: "apiKey", in: "cookie", name: "clewline_admin" },
      },
      schemas: { Error: ERROR },
    },
  };
}

const ERROR = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["kind", "message"],
      properties: Object.fromEntries(
        ["kind", "message", "path", "repair"].map((member) => [member, { type: "string" }]),
      ),
    },
  },
};

function describe(operationId: string, { path, who, summary, query, body, reply }: Operation): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    operationId,
    summary,
    ...(who === "anyone" ? {} : { security: [{ token: [] }, { session: [] }] }),
    parameters: [...inPath, ...(query === undefined ? [] : inQuery(jsonSchemaOf(query)))],
    ...(body === undefined ? {} : { requestBody: { required: true, content: ofJson(jsonSchemaOf(body)) } }),
    responses: {
      [reply === "none" ? "204" : "200"]: { description: summary, ...contentOf(reply) },
      default: { description: "an error", content: ofJson({ $ref: "#/components/schemas/Error" }) },
    },
  };
}

function inQuery(schema: Record<string, unknown>): object[] {
  const required = (schema.required ?? []) as readonly string[];
  return Object.entries((schema.properties ?? {}) as Record<string, object>).map(([name, of]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: of,
  }));
}

function contentOf(reply: Operation["reply"]): object {
  if (reply === "none") return {};
  if (reply === "events") return { content: { "text/event-stream": {} } };
  if (reply === "bytes") return { content: { "*/*": {} } };
  return { content: ofJson(jsonSchemaOf(reply)) };
}

function ofJson(schema: object): object {
  return { "application/json": { schema } };
}
