/** What the handler of an operation gets and gives. */
import type { ClientRequest } from "../http/client-request.ts";
import type { OperationName, ParamsOf, ReadBodyOf, ReadQueryOf, ReplyOf } from "./contract.ts";

/** A browser that has signed in, or a script with an admin token. */
export type Caller =
  | {
      readonly kind: "session";
      /** SHA-256 of the session's id. */
      readonly idSha256: string;
      readonly csrf: string;
      readonly expiresAtMs: number;
      /** For people, as in `password`. */
      readonly label: string;
    }
  | { readonly kind: "token"; readonly label: string; readonly tokenSha256: string };

export interface Call<Name extends OperationName> {
  readonly client: ClientRequest;
  /** null: nobody is signed in, which an operation for anyone allows. */
  readonly caller: Caller | null;
  readonly params: ParamsOf<Name>;
  readonly query: ReadQueryOf<Name>;
  readonly body: ReadBodyOf<Name>;
}

/** A `Response` for what is no JSON, or needs headers; undefined: status 204. Throws `AdminError`. */
export type Handler<Name extends OperationName> = (
  call: Call<Name>,
) => ReplyOf<Name> | Response | Promise<ReplyOf<Name> | Response>;

/** One handler for each operation: an operation without one does not compile. */
export type Handlers = { readonly [Name in OperationName]: Handler<Name> };
