import { expect, test } from "bun:test";
import * as v from "valibot";
import { LIVE_EVENTS } from "./contract/live.ts";
import type { Operation } from "./contract/operation.ts";
import { type BodyOf, type LiveEvents, OPERATIONS, type ParamsOf, type QueryOf } from "./contract.ts";
import { makeOpenApi } from "./openapi/openapi.ts";

const OPERATION_LIST = Object.entries<Operation>(OPERATIONS);

test("each method and path has one operation, and what changes something says so", () => {
  const places = OPERATION_LIST.map(([, { method, path }]) => `${method} ${path.replace(/\{\w+\}/g, "{}")}`);
  expect(new Set(places).size).toBe(places.length);
  for (const [name, { method, who, body }] of OPERATION_LIST) {
    if (name === "signIn") continue;
    expect([name, who === "signed-in-changing"]).toEqual([name, method !== "GET"]);
    if (method === "GET") expect(body).toBeUndefined();
  }
});

test("the types of a call follow from the table", () => {
  const params: ParamsOf<"testCredential"> = { upstream: "anthropic", name: "main" };
  const query: QueryOf<"listRequests"> = { limit: "20", status: "5xx" };
  const body: BodyOf<"createKey"> = { name: "ci" };
  const event: LiveEvents["requests"] = { rows: [], left: 0 };
  expect(v.parse(OPERATIONS.listRequests.query, query)).toEqual({ limit: 20, status: "5xx" });
  expect(v.parse(OPERATIONS.createKey.body, body)).toEqual({ name: "ci", settings: {} });
  expect(v.parse(LIVE_EVENTS.requests, event)).toEqual(event);
  expect(Object.keys(params)).toEqual(["upstream", "name"]);
});

test("the OpenAPI document has every operation with its parts", () => {
  const document = makeOpenApi("1.2.3") as {
    paths: Record<string, Record<string, { operationId: string; parameters: { name: string }[] }>>;
  };
  const found = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(found.toSorted()).toEqual(Object.keys(OPERATIONS).toSorted());
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { version: "1.2.3" },
    paths: {
      "/admin/api/keys/{name}/rotate": {
        post: {
          parameters: [{ name: "name", in: "path", required: true }],
          requestBody: {
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  properties: { keepOldMs: { type: "integer", minimum: 0, maximum: 31_536_000_000 } },
                  required: [],
                  additionalProperties: false,
                },
              },
            },
          },
        },
      },
      "/admin/api/session": { delete: { responses: { 204: {} } } },
      "/admin/api/requests": {
        get: {
          parameters: expect.arrayContaining([
            expect.objectContaining({ name: "cursor", in: "query", required: false }),
          ]),
        },
      },
    },
  });
});
