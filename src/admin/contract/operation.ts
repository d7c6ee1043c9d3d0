/** One operation of the admin API as data. Pages, validation, tests and the OpenAPI document are made from such data. */
import type * as v from "valibot";

/**
 * `anyone`: also without a session. `signed-in`: with a session or an admin token. `signed-in-changing`: the same, and a
 * session must show its CSRF value.
 */
export type Who = "anyone" | "signed-in" | "signed-in-changing";

type Schema = v.GenericSchema<never, unknown> | v.GenericSchema;

/** `none`: status 204. `events`: server-sent events. `bytes`: another one's reply, passed as it is. */
export type ReplyForm = "none" | "events" | "bytes";

export interface Operation {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below `/admin/api`. A segment `{name}` stands for any one segment. */
  readonly path: `/${string}`;
  readonly who: Who;
  /** What it does, for the OpenAPI document. */
  readonly summary: string;
  /** Each parameter of a query is there at most once, as text. */
  readonly query?: Schema;
  readonly body?: Schema;
  readonly reply: Schema | ReplyForm;
}

/** The parameters in a path, all of them text. */
export type PathParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [Key in Name]: string } & PathParamsOf<Rest>
  : unknown;
