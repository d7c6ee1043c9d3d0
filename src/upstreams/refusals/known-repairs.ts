/**
 * Repairs that a model, or a server, is known to need, so that no request has to be refused first. They concern requests that
 * are relayed: an encoder reads the traits itself.
 */
import type { CodecProfile } from "../../dialects/codec-profile.ts";
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

/** Servers that take thinking back among the parts of the content refuse the members in which clients return it. */
const THOUGHT_IN_CONTENT: Repairs = [repair("think-in-content", "", null)];

export function knownRepairs(
  dialect: DialectName,
  { needsCompletionLimit, sampling, thinking }: ModelTraits,
  { reasoningMembers }: Pick<CodecProfile, "reasoningMembers">,
): Repairs {
  if (dialect !== DIALECT) return NO_REPAIRS;
  if (reasoningMembers?.includes("content") === true) return THOUGHT_IN_CONTENT;
  if (!needsCompletionLimit) return NO_REPAIRS;
  return sampling === "none" && !thinking.canDisable ? OTHER_LIMIT_AND_SAMPLING : OTHER_LIMIT;
}
