/**
 * The admin API: the operations of `contract.ts` at their paths, each behind the checks that its line asks for. Loaded with
 * the first call, so that a gateway whose admin nobody opens pays nothing for it.
 */

import { isSameDigest } from "../auth/keys.ts";
import { ConfigError } from "../config/problem.ts";
import { GatewayError } from "../core/errors.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { Router } from "../http/router.ts";
import { StoreError } from "../store/sql.ts";
import { Access } from "./access/access.ts";
import { Acts } from "./acts/acts.ts";
import { AdminError } from "./admin-error.ts";
import { refuseForeignHost, refuseForeignOrigin } from "./browser-guard.ts";
import { CallRecord } from "./call-record.ts";
import { ConfigChanges } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import type { Operation } from "./contract/operation.ts";
import { OPERATIONS, type OperationName } from "./contract.ts";
import type { Call, Caller, Handlers } from "./handler.ts";
import { makeHandlers } from "./handlers.ts";
import { Keys } from "./keys.ts";
import { Live } from "./live.ts";
import { readCall } from "./read-call.ts";

interface Line {
  readonly name: OperationName;
  readonly path: string;
  readonly operation: Operation;
}

/** Bodies of models may be as large as on their own routes. */
const LARGE: ReadonlySet<OperationName> = new Set(["try", "explain"]);
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
/** Of a caller who has not signed in: a password or a link. */
const STRANGER_LIMIT_BYTES = 16 * 1024;

export class Admin {
  readonly #context: AdminContext;
  readonly #access: Access;
  readonly #changes: ConfigChanges;
  readonly #record: CallRecord;
  readonly #acts: Acts;
  readonly #keys: Keys;
  readonly #live: Live;
  readonly #handlers: Handlers;
  readonly #router: Router<Line>;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#access = new Access(context);
    this.#changes = new ConfigChanges(context);
    this.#record = new CallRecord(context);
    this.#acts = new Acts(context, this.#record);
    this.#keys = new Keys(context, this.#acts);
    this.#live = new Live(context, this.#access);
    this.#handlers = makeHandlers(context, this.#access, {
      changes: this.#changes,
      acts: this.#acts,
      keys: this.#keys,
      live: this.#live,
    });
    this.#router = new Router(
      Object.entries<Operation>(OPERATIONS).map(([name, operation]) => ({
        name: name as OperationName,
        path: operation.path,
        operation,
      })),
    );
  }

  /** `path`: what follows `/admin/api/`. Never rejects. */
  async answer(client: ClientRequest, path: string): Promise<Response> {
    try {
      return withHeaders(await this.#answer(client, path));
    } catch (cause) {
      const error = this.#errorOf(cause);
      return withHeaders(json(error.status, error.body, error.headers));
    }
  }

  /** Ends the streams of open pages, which would go on for ever. */
  endStreams(): void {
    this.#live.close();
  }

  close(): void {
    this.#changes.close();
    this.#context.settings.close();
    this.#live.close();
    this.#keys.close();
    this.#acts.close();
    this.#record.close();
    this.#access.close();
  }

  async #answer(client: ClientRequest, path: string): Promise<Response> {
    const { config } = this.#context.snapshot();
    refuseForeignHost(client.headers.get("host"), config.server.hosts);
    const { line, params } = this.#match(client.method, path);
    const { name, operation } = line;
    refuseForeignOrigin(client.headers, operation.method !== "GET");
    const caller = this.#access.callerOf(client);
    checkRights(operation, caller, client);
    const read = await readCall(operation, client, limitOf(name, operation, config.server.bodyLimitBytes));
    // A body may take minutes to come, in which the session may have ended.
    if (caller !== null && operation.body !== undefined && !this.#access.isAlive(caller)) throw notSignedIn();
    // The table gives each name the handler of its own types, which no type of one line can say.
    const handler = this.#handlers[name] as (call: Call<OperationName>) => unknown;
    const call = { client, caller, params, ...read } as Call<OperationName>;
    const reply = await handler(call);
    this.#record.add(name, call);
    if (reply instanceof Response) return reply;
    return reply === undefined ? new Response(null, { status: 204 }) : json(200, reply, {});
  }

  #match(method: string, path: string) {
    const match = this.#router.match(path.split("/"));
    if (match === null) throw new AdminError("not_found", "the admin has nothing at this path");
    const line = match.lines.find(({ operation }) => operation.method === method);
    if (line !== undefined) return { line, params: match.params };
    const methods = match.lines.map(({ operation }) => operation.method).join(" or ");
    throw new AdminError("method_not_allowed", `this path takes ${methods}, not ${method}`);
  }

  #errorOf(cause: unknown): AdminError {
    if (cause instanceof AdminError) return cause;
    if (cause instanceof GatewayError && cause.kind !== "internal")
      return new AdminError(cause.status === 503 ? "unavailable" : "bad_request", cause.message);
    // The file is gone, or cannot be read, or the gateway runs without one.
    if (cause instanceof ConfigError)
      return new AdminError(
        "unavailable",
        cause.problems[0]?.message ?? "the gateway runs without a configuration file",
      );
    if (cause instanceof StoreError)
      return new AdminError(
        "unavailable",
        `the database in the data folder cannot be used: ${cause.message}`,
      );
    const error = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    this.#context.log.error({ error }, "an exception cost a call of the admin");
    return new AdminError("internal", "an internal error; its cause is in the log");
  }
}

function limitOf(name: OperationName, { who }: Operation, ownBytes: number): number {
  if (who === "anyone") return STRANGER_LIMIT_BYTES;
  return LARGE.has(name) ? ownBytes : BODY_LIMIT_BYTES;
}

/** Throws `unauthenticated` or `forbidden`. */
function checkRights({ who }: Operation, caller: Caller | null, { headers }: ClientRequest): void {
  if (who === "anyone") return;
  if (caller === null) throw notSignedIn();
  if (who === "signed-in" || caller.kind === "token") return;
  if (!isSameDigest(headers.get("x-clewline-csrf") ?? "", caller.csrf))
    throw new AdminError("forbidden", "the header x-clewline-csrf is not that of the session", {
      repair: "read the value again with GET /admin/api/session",
    });
}

function notSignedIn(): AdminError {
  return new AdminError("unauthenticated", "nobody is signed in", {
    repair: "sign in, or send an admin token as Authorization: Bearer",
  });
}

/** Nothing on the way keeps a reply, and no page of another site can show or read one. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

function withHeaders(reply: Response): Response {
  for (const [name, value] of Object.entries(HEADERS))
    if (!reply.headers.has(name)) reply.headers.set(name, value);
  return reply;
}

function json(status: number, body: unknown, headers: Record<string, string>): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
