/** Tries one translation of a request after the other. */
import { GatewayError } from "../core/errors.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/**
 * The first translation that carries the request. When none does, the first refusal counts: it speaks of the
 * dialect that the operator prefers.
 */
export function firstToCarry(
  translations: readonly (() => TranslatedRequest | Promise<TranslatedRequest>)[],
): TranslatedRequest | Promise<TranslatedRequest> {
  const [first, ...others] = translations as [(typeof translations)[number], ...typeof translations];
  if (others.length === 0) return first();
  const elsewhere = (refusal: unknown): TranslatedRequest | Promise<TranslatedRequest> => {
    const again = (cause: unknown): never => {
      throw isUntranslatable(cause) ? refusal : cause;
    };
    if (!isUntranslatable(refusal)) throw refusal;
    try {
      const found = firstToCarry(others);
      return found instanceof Promise ? found.catch(again) : found;
    } catch (cause) {
      return again(cause);
    }
  };
  try {
    const found = first();
    return found instanceof Promise ? found.catch(elsewhere) : found;
  } catch (refusal) {
    return elsewhere(refusal);
  }
}

function isUntranslatable(cause: unknown): boolean {
  return cause instanceof GatewayError && cause.kind === "not_translatable";
}
