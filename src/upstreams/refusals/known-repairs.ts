/**
 * Repairs that a model needs at every server, so that no request of it has to be refused first. They concern requests that
 * are relayed: an encoder reads the traits itself.
 */
import type { DialectName } from "../../dialects/dialect.ts";
import { NO_REPAIRS, type Repair, type Repairs } from "../../dialects/repair.ts";
import type { ModelTraits } from "../../neutral/traits.ts";

const DIALECT = "openai-chat";

/** OpenAI's models that think: https://platform.openai.com/docs/api-reference/chat/create, max_completion_tokens. */
const OTHER_LIMIT: Repairs = [repair("rename", "max_tokens", null)];
/** Those that think always take the default sampling alone: https://platform.openai.com/docs/guides/reasoning. */
const OTHER_LIMIT_AND_SAMPLING: Repairs = [
  ...OTHER_LIMIT,
  repair("without", "temperature", 1),
  repair("without", "top_p", 1),
  repair("without", "presence_penalty", 0),
  repair("without", "frequency_penalty", 0),
];

/** It follows from the model's traits, so it need not be remembered. */
function repair(kind: Repair["kind"], member: string, amount: number | null): Repair {
  return { kind, dialect: DIALECT, member, amount, isLasting: false };
}

export function knownRepairs(
  dialect: DialectName,
  { needsCompletionLimit, sampling, thinking }: ModelTraits,
): Repairs {
  if (dialect !== DIALECT || !needsCompletionLimit) return NO_REPAIRS;
  return sampling === "none" && !thinking.canDisable ? OTHER_LIMIT_AND_SAMPLING : OTHER_LIMIT;
}
