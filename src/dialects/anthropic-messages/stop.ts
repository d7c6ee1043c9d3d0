/** Why an answer ended, in Anthropic's words and in neutral ones. */
import type { JsonObject } from "../../core/json.ts";
import type { Stop, StopKind } from "../../neutral/event.ts";
import { asObject, asString } from "../../wire/json.ts";
import { foreignEnd } from "../shared/answer/endings.ts";

const KINDS: Readonly<Record<string, StopKind>> = {
  end_turn: "end",
  stop_sequence: "stop-sequence",
  max_tokens: "length",
  model_context_window_exceeded: "context-full",
  tool_use: "tool-calls",
  pause_turn: "pause",
  refusal: "refusal",
};

/**
 * A reason that nobody knows is an end like any other; calls that are there are to be answered, whatever the
 * reason says.
 */
export function decodeStop(source: JsonObject, hasCalls: boolean): Stop {
  const raw = asString(source.stop_reason);
  const own = raw !== null && Object.hasOwn(KINDS, raw) ? (KINDS[raw] as StopKind) : null;
  const known = own ?? (raw === null ? null : foreignEnd(raw)) ?? "end";
  const details = asObject(source.stop_details);
  return {
    kind: kindWith(known, hasCalls),
    raw,
    sequence: typeof source.stop_sequence === "string" ? source.stop_sequence : null,
    explanation: asString(details?.explanation),
    category: asString(details?.category),
    token: null,
  };
}

function kindWith(kind: StopKind, hasCalls: boolean): StopKind {
  if (kind === "end" && hasCalls) return "tool-calls";
  if (kind === "tool-calls" && !hasCalls) return "end";
  return kind;
}

/** Members of a reply that tell of its end. */
export interface WireStop {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
  readonly stop_details: JsonObject | null;
}

const REASONS: Readonly<Record<StopKind, string>> = {
  end: "end_turn",
  "stop-sequence": "stop_sequence",
  length: "max_tokens",
  "context-full": "model_context_window_exceeded",
  "tool-calls": "tool_use",
  refusal: "refusal",
  malformed: "end_turn",
  pause: "pause_turn",
  // No such idea here: what there is of the answer ends because of its length.
  continuation: "max_tokens",
};

/**
 * `hasRefusal`: words of a refusal are in the answer. A stop sequence that nobody names is an ordinary end.
 */
export function encodeStop(stop: Stop, hasCalls: boolean, hasRefusal: boolean): WireStop {
  let kind = kindWith(stop.kind, hasCalls);
  if (kind === "stop-sequence" && stop.sequence === null) kind = hasCalls ? "tool-calls" : "end";
  if (kind === "end" && hasRefusal) kind = "refusal";
  return {
    stop_reason: REASONS[kind],
    stop_sequence: kind === "stop-sequence" ? stop.sequence : null,
    stop_details:
      kind === "refusal" ? { type: "refusal", category: stop.category, explanation: stop.explanation } : null,
  };
}
