/** Questions and answers in terms of no dialect, for the official SDK of each. */

export interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export type Turn =
  | { readonly by: "user"; readonly text: string }
  | { readonly by: "model"; readonly call: Call }
  /** The result of the call before it. */
  | { readonly by: "tool"; readonly call: Call; readonly result: Readonly<Record<string, unknown>> };

export interface Ask {
  readonly system?: string;
  readonly turns: readonly Turn[];
  readonly maxTokens: number;
  readonly stop?: readonly string[];
  /** The answer is JSON of this schema. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly tool?: {
    readonly name: string;
    readonly description: string;
    readonly schema: Readonly<Record<string, unknown>>;
  };
  /** The tool must be called. */
  readonly isForced?: boolean;
}

/** Why an answer ended; a stop sequence counts as an end, because llama.cpp does not tell which of both it was. */
export type Ending = "end" | "length" | "calls";

export interface Answer {
  readonly text: string;
  readonly calls: readonly Call[];
  readonly ending: Ending;
  /** Tokens; the input with those that were cached. */
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** Asks at temperature 0 and reads the whole answer. */
export type Client = (
  address: { readonly url: string; readonly key: string },
  model: string,
  ask: Ask,
  isStream: boolean,
) => Promise<Answer>;
