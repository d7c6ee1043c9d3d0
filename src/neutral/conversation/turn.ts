/** A conversation's turns as they are read: who speaks, which tools are called, and which results belong to which call. */
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

/** A message that is still being put together. */
export interface Turn {
  readonly role: Message["role"];
  readonly parts: (UserPart | AssistantPart)[];
  name: string | null;
  /** Of the assistant: its calls, and what came back. */
  readonly slots: Slot[];
  /** A result has come: what the assistant says from now on is another turn. */
  isAnswered: boolean;
}

export interface Slot {
  readonly call: ToolCallPart;
  result: ToolResultPart | null;
}

/** Calls that a turn makes under one id of the client's, usually one. */
interface Namesakes {
  readonly turn: Turn;
  readonly slots: Slot[];
  /** Of the slots, those that have a result. */
  answered: number;
}

/** An empty turn. */
export function makeTurn(role: Message["role"]): Turn {
  return { role, parts: [], name: null, slots: [], isAnswered: false };
}

/** Adds parts at the end of a turn. A spread would put them all on the stack. */
export function append(turn: Turn, parts: readonly (UserPart | AssistantPart)[]): void {
  for (const part of parts) turn.parts.push(part);
}

/** Takes the messages one by one, and gives each result to its call. */
export class TurnReader {
  readonly turns: Turn[] = [];
  readonly dropped: Drop[] = [];
  readonly calls = new Map<string, ToolCallPart>();
  /** By the client's ids: the calls of the latest turn that used one. */
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
    // Results first: what else the message says comes after all of them.
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
        `The tool result at ${result.at} is for the call "${result.callId}", which no turn of the assistant before it makes: send the call as well, or leave the result out.`,
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

  /** The last turn when it goes on, else a new one. */
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
    return this.#mergesTurns ? parts.filter(isSaid) : parts;
  }
}

function isSaid(part: UserPart | AssistantPart | TextPart): boolean {
  return part.type !== "text" || part.text !== "" || (part.seal !== undefined && part.seal !== null);
}
