import type { Tap, TapState } from "../../dialects/dialect.ts";
import type { BilledAnswer } from "../../prices/answer-cost.ts";

/** The facts that the row takes from an answer. A tap offers them; `settle` reads them. */
export type AnswerFacts = Pick<
  TapState,
  "uncountedBytes" | "stateIds" | "itemIds" | "pendingId" | "stopReason" | "isRefusal"
> &
  Pick<Tap, "isCutShort"> &
  BilledAnswer;
