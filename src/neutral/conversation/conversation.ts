/**
 * A conversation in the order that a target takes: results directly behind their calls, instructions where they may stand. One pass over the
 * turns; a conversation that has grown by a turn begins with the same messages as before.
 */

import type { Message, ToolCallPart, ToolResultPart } from "../message.ts";
import type { Drop } from "../request.ts";
import { type MidSystem, placeSystem } from "./mid-system.ts";
import { makeTurn, type Turn, TurnReader } from "./turn.ts";

export interface ArrangeOptions {
  readonly midSystem: MidSystem;
  /** Neighbouring turns of one role become one; text that is empty, and turns that then hold nothing, are left out. */
  readonly mergesTurns: boolean;
  /** The conversation may not begin with the assistant. */
  readonly needsUserFirst: boolean;
}

export interface Arranged {
  /**
   * Each assistant turn with calls is followed by a user turn that begins with one result per call, in the order of the calls. Results
   * bear the names of their tools, and ids are unique.
   */
  readonly messages: readonly Message[];
  readonly dropped: readonly Drop[];
  /** The calls by their ids in `messages`. */
  readonly calls: ReadonlyMap<string, ToolCallPart>;
}

/** Text of the turn that is put in front where the user has to begin. */
const FIRST_USER_TEXT = "(The conversation begins with the assistant.)";
const NO_RESULT_TEXT = "No result was provided for this call.";

/** Arranges the messages. Throws `bad_request` for a result that no call before it asked for. */
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

/** The turns with a user's turn of results behind every turn of calls. */
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
