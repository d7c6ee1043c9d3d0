/** Words a request that is too large as a provider does: clients read the numbers and help themselves. */
import type { GatewayError } from "../../core/errors.ts";

/** A provider's own sentences. Sizes are tokens. */
export interface OversizeWords {
  prompt(prompt: number, limit: number): string;
  sum(prompt: number, asked: number, limit: number): string;
  output(asked: number, limit: number): string;
}

/** The provider's sentence; null: the error is another one, or its sizes are not known. */
export function oversizeWords({ oversize }: GatewayError, words: OversizeWords): string | null {
  if (oversize === undefined || oversize.limitTokens === null) return null;
  const { part, promptTokens: prompt, askedTokens: asked, limitTokens: limit } = oversize;
  switch (part) {
    case "prompt":
      return prompt === null ? null : words.prompt(prompt, limit);
    case "sum":
      return prompt === null || asked === null ? null : words.sum(prompt, asked, limit);
    case "output":
      return asked === null || asked <= limit ? null : words.output(asked, limit);
  }
}
