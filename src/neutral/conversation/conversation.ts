/**
 * Arranges a conversation for a target: results directly after their calls, instructions in accepted places.
 * One pass over the turns. When a conversation grows by a turn, the messages before that turn stay the same.
 */

import type { Message, ToolCallPart, ToolResultPart } from "../message.ts";
import type { Drop } from "../request.ts";
import { type MidSystem, placeSystem } from "./mid-system.ts";
import { makeTurn, type Turn, TurnReader } from "./turn.ts";

export interface ArrangeOptions {
  readonly midSystem: MidSystem;
  /**
   * Neighbouring turns of one role become one turn; empty text, and turns that are empty without it, are left
   * out.
   */
  readonly mergesTurns: boolean;
  /** The conversation must not begin with the assistant. */
  readonly needsUserFirst: boolean;
}

export interface Arranged {
  /**
   * A user turn follows each assistant turn with calls, and begins with one result per call, in the order of
   * the calls. Each result has the name of its tool, and ids are unique.
   */
  readonly messages: readonly Message[];
  readonly dropped: readonly Drop[];
  /** The calls by their id in `messages`. */
  readonly calls: ReadonlyMap<string, ToolCallPart>;
}

/** Text of the turn that is added at the beginning when the user must begin. */
const FIRST_USER_TEXT = "(The conversation begins with the assistant.)";
const NO_RESULT_TEXT = "No result was provided for this call.";

/** Arranges the messages. Throws `bad_request` for a result without a call before it. */
export function arrange(messages: readonly Message[], options: ArrangeOptions): Arranged {
  const reader = new TurnReader(options.mergesTurns);
  for (const message of messages) reader.add(message);
  const { dropped, calls } = reader;
  const arranged = placeSystem(withResults(reader), options, dropped);
  if (options.needsUserFirst && arranged[0] !== undefined && arranged[0].role !== "user") {
    arranged.unshift({ role: "user", parts: [{ type: "text", text: FIRST_USER_TEXT }] });
    dropped.push({
      field: "messages",
      reason: "a turn of the user was put in front, because the conversation may not begin with another",
    });
  }
  return { messages: arranged, dropped, calls };
}

/** The turns, with a user turn of results after every turn of calls. */
function withResults({ turns, dropped }: TurnReader): Turn[] {
  const all: Turn[] = [];
  for (const turn of turns) {
    all.push(turn);
    if (turn.slots.length === 0) continue;
    const results = makeTurn("user");
    for (const { call, result } of turn.slots) {
      if (result === null) {
        dropped.push({
          field: "messages",
          reason: `the call "${call.id}" has no result: one that says so was put in`,
        });
      }
      results.parts.push(result ?? missingResult(call));
    }
    all.push(results);
  }
  return all;
}

function missingResult(call: ToolCallPart): ToolResultPart {
  return {
    type: "tool-result",
    callId: call.id,
    name: call.name,
    content: [{ type: "text", text: NO_RESULT_TEXT }],
    isError: true,
    at: "messages",
  };
}
