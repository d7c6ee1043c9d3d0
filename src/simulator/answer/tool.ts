// The tools that a request offers, and the call of a tool.

export interface ToolOffer {
  readonly name: string;
  readonly kind: "function" | "custom";
  readonly schema: unknown;
  /** Every property counts as required, even if the schema makes it optional. */
  readonly isStrict?: boolean;
  /** The Responses namespace of the tool. */
  readonly namespace?: string;
}

export interface Call {
  readonly tool: ToolOffer;
  /** JSON of the arguments, or the bare input of a custom tool; empty without arguments. */
  readonly input: string;
}
