/**
 * The contract of the admin API: one table of operations. The types of pages, the checks of requests, the tests of
 * replies and the OpenAPI document are made from it. Pages import nothing else of `src/`.
 */
import * as v from "valibot";
import { ALERTS } from "./contract/alerts.ts";
import { AUDIT } from "./contract/audit.ts";
import { CAPTURES } from "./contract/captures.ts";
import { CREDENTIALS } from "./contract/credentials.ts";
import { KEYS } from "./contract/keys.ts";
import { LIVE, type LIVE_EVENTS } from "./contract/live.ts";
import { MODELS } from "./contract/models.ts";
import { NETWORK } from "./contract/network.ts";
import type { Operation, PathParamsOf, ReplyForm } from "./contract/operation.ts";
import { OVERVIEW } from "./contract/overview.ts";
import { REQUESTS } from "./contract/requests.ts";
import { SESSION } from "./contract/session.ts";
import { SETTINGS } from "./contract/settings.ts";
import { TRY } from "./contract/try.ts";

export const OPERATIONS = {
  ...SESSION,
  ...OVERVIEW,
  ...CREDENTIALS,
  ...REQUESTS,
  ...CAPTURES,
  ...KEYS,
  ...MODELS,
  ...NETWORK,
  ...SETTINGS,
  ...ALERTS,
  ...AUDIT,
  ...LIVE,
  ...TRY,
  getOpenApi: {
    method: "GET",
    path: "/openapi.json",
    who: "signed-in",
    summary: "This API as an OpenAPI 3.1 document.",
    reply: v.record(v.string(), v.unknown()),
  },
} as const satisfies Record<string, Operation>;

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;

/** The parameters in the operation's path. */
export type ParamsOf<Name extends OperationName> = PathParamsOf<Operations[Name]["path"]>;

type Part<Name extends OperationName, Member extends "query" | "body"> = Operations[Name] extends {
  readonly [Key in Member]: infer Schema extends v.GenericSchema;
}
  ? Schema
  : null;
type InputOf<Schema> = Schema extends v.GenericSchema ? v.InferInput<Schema> : undefined;
type OutputOf<Schema> = Schema extends v.GenericSchema ? v.InferOutput<Schema> : undefined;

/** The query and the body as a caller sends them, and as a handler gets them. */
export type QueryOf<Name extends OperationName> = InputOf<Part<Name, "query">>;
export type BodyOf<Name extends OperationName> = InputOf<Part<Name, "body">>;
export type ReadQueryOf<Name extends OperationName> = OutputOf<Part<Name, "query">>;
export type ReadBodyOf<Name extends OperationName> = OutputOf<Part<Name, "body">>;

/** undefined: the reply has no body of JSON. */
export type ReplyOf<Name extends OperationName> = Operations[Name]["reply"] extends ReplyForm
  ? undefined
  : OutputOf<Operations[Name]["reply"]>;

/** The data of the events of `live`, by their names. */
export type LiveEvents = { [Name in keyof typeof LIVE_EVENTS]: v.InferOutput<(typeof LIVE_EVENTS)[Name]> };

/** The body of every reply with a status from 400 on. */
export interface AdminErrorBody {
  readonly error: {
    readonly kind: string;
    readonly message: string;
    /** The field at fault, as in `settings.models`. */
    readonly path?: string;
    readonly repair?: string;
    /** With 409: the settings that both sides have changed, without secrets; null: it is not there. */
    readonly clashes?: readonly {
      readonly path: string;
      readonly base: string | null;
      readonly theirs: string | null;
      readonly mine: string | null;
    }[];
    /** With 409: the version that the file has now. */
    readonly version?: string;
    /** With 422: every fault of the configuration that the change would make. */
    readonly problems?: readonly {
      readonly path: string;
      readonly message: string;
      readonly repair: string;
    }[];
    /** With 403: what a person can paste into the file that cannot be written; secrets are left out. */
    readonly paste?: string;
  };
}
