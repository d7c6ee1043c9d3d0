// The tools that a request offers, and a call of one.

export interface ToolOffer {
  readonly name: string;
  readonly kind: "function" | "custom";
  readonly schema: unknown;
  /** Every property is required, whatever the schema says. */
  readonly isStrict?: boolean;
  /** The Responses namespace that the tool stands in. */
  readonly namespace?: string;
}

export interface Call {
  readonly tool: ToolOffer;
  /** JSON of the arguments, or the bare input of a custom tool; empty where the call has none. */
  readonly input: string;
}
