/** Calls of the admin API, with the types of its contract. */
import type {
  AdminErrorBody,
  BodyOf,
  OperationName,
  ParamsOf,
  QueryOf,
  ReplyOf,
} from "../../../src/admin/contract.ts";
import { gatewayTranslator } from "./gateway-text.ts";
import { operationPaths } from "./operation-paths.ts" with { type: "macro" };

const PATHS: Record<OperationName, string> = operationPaths();

/** What a call was answered in place of a reply. `kind` is `offline` when nothing was answered at all. */
export class ApiError extends Error {
  readonly kind: string;
  /** 0: no answer came. */
  readonly status: number;
  readonly path: string | null;
  readonly repair: string | null;
  readonly retryAfterS: number | null;
  /** With 409: what both sides have changed. */
  readonly clashes: NonNullable<AdminErrorBody["error"]["clashes"]>;
  /** With 403: what a person can paste into a file that the gateway cannot write. */
  readonly paste: string | null;

  constructor(status: number, { error }: AdminErrorBody, retryAfterS: number | null = null) {
    super(error.message);
    this.kind = error.kind;
    this.status = status;
    this.path = error.path ?? null;
    this.repair = error.repair ?? null;
    this.retryAfterS = retryAfterS;
    this.clashes = error.clashes ?? [];
    this.paste = error.paste ?? null;
  }
}

type Member<Key extends string, Value> = unknown extends Value
  ? { readonly [K in Key]?: undefined }
  : Value extends undefined
    ? { readonly [K in Key]?: undefined }
    : { readonly [K in Key]: Value };

export type CallInput<Name extends OperationName> = Member<"params", ParamsOf<Name>> &
  Member<"query", QueryOf<Name>> &
  Member<"body", BodyOf<Name>> & { readonly signal?: AbortSignal };

let csrf: string | null = null;
let onSignedOut: () => void = () => {};

/** From the session's reply; a call that changes something shows it. */
export function setCsrf(value: string | null): void {
  csrf = value;
}

export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** The address of an operation. */
export function addressOf(name: OperationName, params: unknown = {}, query: unknown = {}): string {
  const path = (PATHS[name].split(" ")[1] as string).replace(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(String((params as Record<string, unknown>)[key])),
  );
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries((query ?? {}) as Record<string, unknown>))
    if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  return `/admin/api${path}${search.size > 0 ? `?${search}` : ""}`;
}

/** The reply as it comes, also one that is no JSON. Throws `ApiError`. */
export async function callRaw<Name extends OperationName>(
  name: Name,
  input: CallInput<Name>,
): Promise<Response> {
  const { params, query, body, signal } = input as {
    readonly params?: unknown;
    readonly query?: unknown;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
  };
  const method = PATHS[name].split(" ")[0] as string;
  const isChange = method !== "GET";
  let reply: Response;
  try {
    reply = await fetch(addressOf(name, params, query), {
      method,
      headers: {
        ...(isChange ? { "content-type": "application/json" } : {}),
        ...(isChange && csrf !== null ? { "x-clewline-csrf": csrf } : {}),
      },
      ...(isChange ? { body: JSON.stringify(body ?? {}) } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, { error: { kind: "offline", message: "the gateway does not answer" } });
  }
  if (!reply.ok) throw await errorOf(name, reply);
  return reply;
}

export async function call<Name extends OperationName>(
  name: Name,
  input: CallInput<Name>,
): Promise<ReplyOf<Name>> {
  const reply = await callRaw(name, input);
  return (reply.status === 204 ? undefined : await reply.json()) as ReplyOf<Name>;
}

async function errorOf(name: OperationName, reply: Response): Promise<ApiError> {
  const body = (await reply.json().catch(() => null)) as AdminErrorBody | null;
  const retryAfter = Number(reply.headers.get("retry-after") ?? Number.NaN);
  if (reply.status === 401 && name !== "signIn") onSignedOut();
  const known = typeof body?.error?.message === "string" ? await inLanguage(body.error) : null;
  return new ApiError(
    reply.status,
    known ?? { error: { kind: "unknown", message: `the gateway answered with status ${reply.status}` } },
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}

/** The words of the gateway in the language of the pages. */
async function inLanguage(error: AdminErrorBody["error"]): Promise<AdminErrorBody> {
  const said = await gatewayTranslator();
  const { message, repair } = error;
  return {
    error: { ...error, message: said(message), ...(repair === undefined ? {} : { repair: said(repair) }) },
  };
}
