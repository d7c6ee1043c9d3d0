/**
 * Reads the turns of a conversation: the speaker, the called tools, and the call that each result belongs to.
 */
import { GatewayError } from "../../core/errors.ts";
import type {
  AssistantPart,
  Message,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
  UserPart,
} from "../message.ts";
import type { Drop } from "../request.ts";

/** A message that is still being built. */
export interface Turn {
  readonly role: Message["role"];
  readonly parts: (UserPart | AssistantPart)[];
  name: string | null;
  /** Only for the assistant: its calls with their results. */
  readonly slots: Slot[];
  /** A result has arrived, so later words of the assistant are another turn. */
  isAnswered: boolean;
}

export interface Slot {
  readonly call: ToolCallPart;
  result: ToolResultPart | null;
}

/** The calls of one turn that share the client's id, usually one. */
interface Namesakes {
  readonly turn: Turn;
  readonly slots: Slot[];
  /** Number of slots with a result. */
  answered: number;
}

export function makeTurn(role: Message["role"]): Turn {
  return { role, parts: [], name: null, slots: [], isAnswered: false };
}

/** Adds parts at the end of a turn. A spread would put all of them on the stack. */
export function append(turn: Turn, parts: readonly (UserPart | AssistantPart)[]): void {
  for (const part of parts) turn.parts.push(part);
}

/** Takes the messages one by one, and assigns each result to its call. */
export class TurnReader {
  readonly turns: Turn[] = [];
  readonly dropped: Drop[] = [];
  readonly calls = new Map<string, ToolCallPart>();
  /** By the client's id: the calls of the latest turn that used the id. */
  readonly #namesakes = new Map<string, Namesakes>();
  readonly #copies = new Map<string, number>();
  readonly #mergesTurns: boolean;

  constructor(mergesTurns: boolean) {
    this.#mergesTurns = mergesTurns;
  }

  add(message: Message): void {
    if (message.role === "system") {
      const parts = message.parts.filter(isSaid);
      if (parts.length > 0) append(this.#turnFor("system", null), parts);
    } else if (message.role === "assistant") {
      this.#addAssistant(this.#keptParts(message.parts), message.name ?? null);
    } else {
      this.#addUser(message);
    }
  }

  #addAssistant(parts: readonly AssistantPart[], name: string | null): void {
    if (parts.length === 0 && this.#mergesTurns) return;
    const turn = this.#turnFor("assistant", name);
    for (const part of parts) turn.parts.push(part.type === "tool-call" ? this.#addCall(part, turn) : part);
  }

  #addCall(call: ToolCallPart, turn: Turn): ToolCallPart {
    const unique = this.calls.has(call.id) ? { ...call, id: this.#freeId(call.id) } : call;
    this.calls.set(unique.id, unique);
    const slot: Slot = { call: unique, result: null };
    turn.slots.push(slot);
    const former = this.#namesakes.get(call.id);
    if (former?.turn === turn) former.slots.push(slot);
    else this.#namesakes.set(call.id, { turn, slots: [slot], answered: 0 });
    return unique;
  }

  #freeId(id: string): string {
    let n = this.#copies.get(id) ?? 1;
    do n++;
    while (this.calls.has(`${id}_${n}`));
    this.#copies.set(id, n);
    return `${id}_${n}`;
  }

  #addUser(message: UserMessage): void {
    const kept = this.#keptParts(message.parts);
    // Results first: the other parts of the message come after all results.
    const others: UserPart[] = [];
    for (const part of kept) {
      if (part.type === "tool-result") this.#addResult(part);
      else others.push(part);
    }
    if (others.length > 0 || (message.parts.length === 0 && !this.#mergesTurns)) {
      append(this.#turnFor("user", message.name ?? null), others);
    }
  }

  #addResult(result: ToolResultPart): void {
    const namesakes = this.#namesakes.get(result.callId);
    const slot = namesakes?.slots[Math.min(namesakes.answered, namesakes.slots.length - 1)];
    if (namesakes === undefined || slot === undefined) {
      throw new GatewayError(
        "bad_request",
        `the tool result at ${result.at} belongs to the call "${result.callId}", which no earlier turn of the assistant makes; send the call too, or leave out the result`,
        { param: result.at },
      );
    }
    if (slot.result !== null) {
      this.dropped.push({
        field: slot.result.at,
        reason: "a later result for the same call replaced this one",
      });
    } else if (this.turns.at(-1) !== namesakes.turn) {
      this.dropped.push({ field: result.at, reason: "the result was moved up to its call" });
    }
    if (slot.result === null) namesakes.answered++;
    namesakes.turn.isAnswered = true;
    slot.result = { ...result, callId: slot.call.id, name: slot.call.name };
  }

  /** The last turn when the message continues it, else a new turn. */
  #turnFor(role: Message["role"], name: string | null): Turn {
    const last = this.turns.at(-1);
    if (this.#mergesTurns && last !== undefined && last.role === role && !last.isAnswered) {
      last.name ??= name;
      return last;
    }
    const turn = makeTurn(role);
    turn.name = name;
    this.turns.push(turn);
    return turn;
  }

  #keptParts<Part extends UserPart | AssistantPart>(parts: readonly Part[]): readonly Part[] {
    // Nearly always all of them are said, and no list has to be made.
    return !this.#mergesTurns || parts.every(isSaid) ? parts : parts.filter(isSaid);
  }
}

function isSaid(part: UserPart | AssistantPart | TextPart): boolean {
  return part.type !== "text" || part.text !== "" || (part.seal !== undefined && part.seal !== null);
}
