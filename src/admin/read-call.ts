/** Reads the query and the body of a call by the schemas of its operation. */
import * as v from "valibot";
import { GatewayError } from "../core/errors.ts";
import { readBody } from "../http/body.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { AdminError } from "./admin-error.ts";
import type { Operation } from "./contract/operation.ts";

/** undefined for a part that the operation does not have. Throws `bad_request` with the path of the field. */
export async function readCall(
  { query, body }: Operation,
  client: ClientRequest,
  limitBytes: number,
): Promise<{ readonly query: unknown; readonly body: unknown }> {
  return {
    query: query === undefined ? undefined : held(query as v.GenericSchema, queryOf(client.search)),
    body: body === undefined ? undefined : held(body as v.GenericSchema, await jsonOf(client, limitBytes)),
  };
}

function queryOf(search: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    if (values.has(name)) throw wrongField("is there twice", name, "send it once");
    values.set(name, value);
  }
  return Object.fromEntries(values);
}

/** A form of another site cannot send this type, so a body of it was not forged by one. */
async function jsonOf({ request, headers }: ClientRequest, limitBytes: number): Promise<unknown> {
  const type = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new AdminError("bad_request", "the body is not declared as JSON", {
      repair: "send content-type: application/json",
    });
  const bytes = await readBody(request, limitBytes, null).catch((cause: unknown) => {
    throw cause instanceof GatewayError ? bodyError(cause) : cause;
  });
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new AdminError("bad_request", "the body is not valid JSON in UTF-8");
  }
}

function bodyError({ kind, message }: GatewayError): AdminError {
  return new AdminError(kind === "body_too_large" ? "too_large" : "bad_request", message);
}

function held(schema: v.GenericSchema, value: unknown): unknown {
  // A schema takes a list for an object without members.
  if (Array.isArray(value)) throw wrongField("is a list, and must be an object", "");
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? "";
  throw wrongField(wordsOf(issue), path);
}

/** A message of the schema's own is in the words of this program; it may have a repair in a second line. */
function wordsOf(issue: v.BaseIssue<unknown>): string {
  if (issue.input === undefined && issue.kind === "schema") return "is missing";
  if (issue.type === "strict_object" && issue.expected === "never") return "is not known";
  if (issue.kind === "validation" && !issue.message.startsWith("Invalid")) return issue.message;
  // The type of what came, never its value, which may be a secret.
  return `is not valid: it must be ${issue.expected ?? "another value"}`;
}

function wrongField(words: string, path: string, repair?: string): AdminError {
  const [message = "", more] = words.split("\n");
  const what = path === "" ? `the request ${message}` : `"${path}" ${message}`;
  const text = repair ?? more;
  return new AdminError("bad_request", what, {
    ...(path === "" ? {} : { path }),
    ...(text === undefined ? {} : { repair: text }),
  });
}
