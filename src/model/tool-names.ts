/**
 * The names of tools on a wire that may not take the client's own: reversible for the length of one request, the same on every process.
 * Namespaces are flattened to `namespace__name`.
 */
import type { ToolName } from "./request.ts";

/** What names a wire takes. */
export interface NameRule {
  /** Characters that are not allowed become `_`. */
  readonly isAllowed: (character: string, index: number) => boolean;
  readonly maxChars: number;
}

/** What a call that comes back has to be shown as. */
export interface OriginalTool extends ToolName {
  /**
   * `custom`: the wire knew it as a function with the one string argument `input`. `output`: it stands for structured output, and its
   * arguments are the text of the answer.
   */
  readonly kind: "function" | "custom" | "output";
}

export interface ToolNames {
  /** The name on the wire of one of the request's tools, or of one that only the history names. */
  wireName(tool: ToolName): string;
  /** What a name that the upstream used stands for; null: it is nobody's, and goes through as it is. */
  original(wireName: string): OriginalTool | null;
}

