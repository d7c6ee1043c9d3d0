/** What is kept of a request, as it is stored and as the admin gives it. Credentials are masked in all of it. */

/** In the order in which they were sent, names in lower case. */
export type CapturedHeaders = readonly (readonly [name: string, value: string])[];

export interface CapturedBody {
  /** null: the body is no text in UTF-8. */
  readonly text: string | null;
  /** In place of `text`. */
  readonly base64: string | null;
  /** Of the whole body as it passed. */
  readonly bytes: number;
  /** Only the beginning is kept. */
  readonly isCut: boolean;
}

/** Times are milliseconds since the request was accepted. */
export interface CapturedCall {
  readonly upstream: string;
  readonly credential: string;
  /** The dialect that the upstream was asked in. */
  readonly dialect: string;
  readonly sentMs: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: CapturedHeaders;
    /** null: it had none. */
    readonly body: CapturedBody | null;
  };
  /** null: no head of a reply came. */
  readonly reply: {
    readonly status: number;
    readonly headers: CapturedHeaders;
    readonly headMs: number;
    readonly body: CapturedBody;
  } | null;
  /** When the reply had ended, or was given up; null: it had not when the request ended. */
  readonly endMs: number | null;
  /** Why the call did not end well; null: it did. */
  readonly error: string | null;
}

export interface CapturedRequest {
  readonly id: string;
  readonly atMs: number;
  readonly key: string;
  /** Of the client. */
  readonly dialect: string;
  readonly request: {
    readonly method: string;
    /** As the gateway understood it, with the query. */
    readonly path: string;
    readonly headers: CapturedHeaders;
    readonly body: CapturedBody | null;
  };
  /** What the client was sent; null: nothing was. */
  readonly reply: {
    readonly status: number;
    readonly headers: CapturedHeaders;
    readonly body: CapturedBody;
    /** The connection was broken off, so that the client cannot take the answer for a whole one. */
    readonly isBroken: boolean;
  } | null;
  /** Each call to an upstream: one an attempt, or several where an answer was continued. */
  readonly calls: readonly CapturedCall[];
  /** Calls that were too many to be kept. */
  readonly callsLeftOut: number;
}
