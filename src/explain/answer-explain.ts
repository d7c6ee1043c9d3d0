/** `POST /v1/explain`: `{"path": "/v1/messages", "body": {…}}`. */
import { Buffer } from "node:buffer";
import type { Principal } from "../auth/keys.ts";
import { GatewayError } from "../core/errors.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { type MemoryShare, memoryExhausted } from "../core/memory-budget.ts";
import { DEFAULT_DIALECT } from "../dialects/guess.ts";
import { COPIES, readBody } from "../http/body.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { asGatewayError, replyWithError, requestIdHeaders } from "../http/error-reply.ts";
import { isDeeperThan } from "../neutral/tools/depth.ts";
import { admitExplained } from "../proxy/admission/admit.ts";
import type { Gateway } from "../proxy/gateway.ts";
import { parseRequestObject } from "../wire/json.ts";
import { JsonScanner, MAX_DEPTH } from "../wire/json-scan.ts";
import { compileShape } from "../wire/json-shape.ts";
import { type Explanation, explain } from "./explain.ts";
import { routeOfPath } from "./route-of-path.ts";

/** An explanation holds the whole body once for each target, and again as text. */
const MAX_QUESTION_BYTES = 4 * 1024 * 1024;
/** Lines and blanks for people: each level adds two to every line, so a deep body would fill gigabytes with them. */
const MOST_INDENTED = { chars: 64 * 1024, levels: 40 };

export async function answerExplain(
  gateway: Gateway,
  client: ClientRequest,
  principal: Principal,
): Promise<Response> {
  const atMs = gateway.clock.nowMs();
  const id = gateway.ids.ulid(atMs);
  let dialect = DEFAULT_DIALECT;
  const memory = gateway.memoryBudget.open(principal.name);
  let admission: ReturnType<typeof admitExplained> = null;
  try {
    const { bodyLimitBytes } = gateway.snapshot.config.server;
    const bytes = await readBody(client.request, bodyLimitBytes, memory);
    const { path, body } = readQuestion(bytes);
    const found = routeOfPath(path);
    if (found === null) {
      throw new GatewayError(
        "bad_request",
        `"path" is none of the model routes (${path.slice(0, 200)}); docs/routes.md lists the routes`,
        { param: "path" },
      );
    }
    dialect = found.route.dialect;
    const asked = found.route.pathModel ?? body.model;
    admission = admitExplained(gateway, principal, typeof asked === "string" ? asked : null, atMs);
    const explanation = await explain(gateway, {
      ...found,
      body: Buffer.from(JSON.stringify(body), "utf8"),
      headers: new Headers({ "content-type": "application/json" }),
      principal,
      id,
      atMs,
      isForKey: true,
      hold: (bytes) => hold(memory, bytes),
    });
    return new Response(textOf(explanation), {
      headers: { "content-type": "application/json", ...requestIdHeaders(id) },
    });
  } catch (cause) {
    const error = asGatewayError(cause, gateway.log, id);
    if (error.kind === "internal") gateway.metrics.exceptions.add(1);
    return replyWithError(dialect, error, id);
  } finally {
    memory.end();
    admission?.settle(0, 0, { id, modelAsked: null, upstream: null, modelUsed: null, modelReported: null });
  }
}

function hold(memory: MemoryShare, bytes: number): void {
  if (!memory.take(COPIES * bytes)) throw memoryExhausted();
}

function textOf(explanation: Explanation): string {
  const text = JSON.stringify(explanation);
  const isShort = text.length <= MOST_INDENTED.chars && !isDeeperThan(explanation, MOST_INDENTED.levels);
  return `${isShort ? JSON.stringify(explanation, null, 2) : text}\n`;
}

function readQuestion(bytes: Uint8Array): { path: string; body: JsonObject } {
  checkDepth(bytes);
  if (bytes.byteLength > MAX_QUESTION_BYTES) {
    throw new GatewayError(
      "body_too_large",
      `a request to explain has at most ${MAX_QUESTION_BYTES} bytes; send less, or have "clewline explain" read it from a file`,
    );
  }
  const { path, body } = parseRequestObject(bytes) ?? {};
  if (typeof path !== "string" || !isObject(body)) {
    throw new GatewayError(
      "bad_request",
      'send {"path": "/v1/chat/completions", "body": {…}}: the path and the body that a client would send',
      { param: typeof path === "string" ? "body" : "path" },
    );
  }
  return { path, body };
}

/** Looks before the parser does: it would make a list of each bracket. */
function checkDepth(bytes: Uint8Array): void {
  const nothing = (): void => undefined;
  const scanner = new JsonScanner(compileShape({}), { open: nothing, close: nothing, value: nothing });
  scanner.push(bytes);
  if (scanner.status !== "invalid" || scanner.fault !== "too deep") return;
  throw new GatewayError(
    "bad_request",
    `the body nests more than ${MAX_DEPTH} levels deep (at byte ${scanner.invalidAt}); flatten it`,
    { param: "body" },
  );
}
