/** Reads the conversation of a request. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { addToQueue, type Queue } from "../../core/lists.ts";
import { mintCallId } from "../../neutral/conversation/call-ids.ts";
import type { AssistantPart, Message, Seal, TextPart, UserPart } from "../../neutral/message.ts";
import type { Drops } from "../shared/drops.ts";
import {
  checkDepth,
  elementAt,
  isAbsent,
  nameAt,
  objectAt,
  requiredObjectAt,
  stringAt,
  withCamelNames,
  wrongType,
} from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";
import { decodeMedia, decodeResult, dropModifiers } from "./part-decode.ts";
import { isOfFormer, MAKER, readSignature } from "./seal.ts";

/** The seed of ids for calls without one. A call at the same place of a conversation gets the same id. */
const HISTORY = "history";

interface PendingCall {
  readonly id: string;
  isAnswered: boolean;
}

/** The calls of one turn of the model, until each has its result. */
class PendingCalls {
  readonly #byId = new Map<string, Queue<PendingCall>>();
  readonly #byName = new Map<string, Queue<PendingCall>>();
  /** By name: the calls that got their id here, so no result can know it. */
  readonly #withoutOwnId = new Map<string, Queue<PendingCall>>();

  add(id: string, name: string, hasOwnId: boolean): void {
    const call: PendingCall = { id, isAnswered: false };
    addToQueue(this.#byId, id, call);
    addToQueue(this.#byName, name, call);
    if (!hasOwnId) addToQueue(this.#withoutOwnId, name, call);
  }

  /** Takes the first call with this id, else the first of this name that the result may belong to; returns its id. */
  answer(id: string | null, name: string): string | null {
    if (id === null) return firstOpen(this.#byName.get(name));
    return firstOpen(this.#byId.get(id)) ?? firstOpen(this.#withoutOwnId.get(name));
  }
}

function firstOpen(calls: Queue<PendingCall> | undefined): string | null {
  for (let call = calls?.take(); call !== undefined; call = calls?.take()) {
    if (call.isAnswered) continue;
    call.isAnswered = true;
    return call.id;
  }
  return null;
}

const CONTENT_MEMBERS: ReadonlySet<string> = new Set(["role", "parts", "text"]);

/** The instructions: a content, its parts alone, or a string. */
export function decodeSystem(body: JsonObject, drops: Drops): TextPart[] {
  const value = body.systemInstruction;
  if (isAbsent(value)) return [];
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  const at = "systemInstruction";
  // The role means nothing: clients write `user`, `system` or none.
  const content = withCamelNames(requiredObjectAt(body, at, ""));
  drops.addUnknown(content, CONTENT_MEMBERS, at);
  const texts: TextPart[] = [];
  eachPart(content, at, (part, place) => {
    const text = stringAt(part, "text", place);
    if (text === null) throw malformed(place, "must hold text: instructions are text");
    if (text !== "") texts.push({ type: "text", text });
  });
  return texts;
}

export function decodeContents(body: JsonObject, drops: Drops): Message[] {
  const value = body.contents;
  const decoder = new ContentsDecoder(drops);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      decoder.read(withCamelNames(elementAt(value, index, "contents")), `contents[${index}]`);
  } else if (isObject(value)) decoder.read(withCamelNames(value), "contents");
  else throw wrongType(value, "contents", "an array of turns");
  const messages = decoder.end();
  if (messages.length === 0)
    throw malformed("contents", "must hold at least one turn with at least one part");
  return messages;
}

/** Calls `read` for each part of a content. */
function eachPart(content: JsonObject, at: string, read: (part: JsonObject, at: string) => void): void {
  const value = content.parts;
  if (Array.isArray(value)) {
    const place = `${at}.parts`;
    for (let index = 0; index < value.length; index++)
      read(withCamelNames(elementAt(value, index, place)), `${place}[${index}]`);
    return;
  }
  // Some clients write a single part in place of the list, or a text beside the role.
  const single = objectAt(content, "parts", at);
  if (single !== null) read(withCamelNames(single), `${at}.parts`);
  else if (!isAbsent(content.text)) read({ text: content.text }, at);
}

class ContentsDecoder {
  readonly #messages: Message[] = [];
  readonly #drops: Drops;
  /** The parts of the current turn of the model. SDKs keep each chunk of a stream as a turn of its own. */
  #parts: AssistantPart[] = [];
  #pending = new PendingCalls();
  #isAfterModel = false;
  /** The place of the first of those turns. */
  #modelAt = "contents";
  #callCount = 0;

  constructor(drops: Drops) {
    this.#drops = drops;
  }

  read(content: JsonObject, at: string): void {
    this.#drops.addUnknown(content, CONTENT_MEMBERS, at);
    const role = stringAt(content, "role", at) ?? "user";
    if (role === "model") {
      if (!this.#isAfterModel) {
        this.#pending = new PendingCalls();
        this.#modelAt = at;
      }
      this.#isAfterModel = true;
      eachPart(content, at, (part, place) => this.#readModelPart(part, place));
      return;
    }
    if (role !== "user" && role !== "function")
      throw malformed(`${at}.role`, 'must be "user" or "model"; instructions go into systemInstruction');
    this.#endModelTurn();
    const parts: UserPart[] = [];
    eachPart(content, at, (part, place) => {
      const decoded = this.#userPart(part, place);
      if (decoded !== null) parts.push(decoded);
    });
    if (parts.length > 0) this.#messages.push({ role: "user", parts });
  }

  end(): Message[] {
    this.#endModelTurn();
    return this.#messages;
  }

  #endModelTurn(): void {
    this.#isAfterModel = false;
    if (this.#parts.length === 0) return;
    this.#messages.push({ role: "assistant", parts: this.#parts, at: this.#modelAt });
    this.#parts = [];
  }

  #userPart(part: JsonObject, at: string): UserPart | null {
    dropModifiers(part, at, this.#drops);
    const text = stringAt(part, "text", at);
    if (text !== null) return text === "" ? null : { type: "text", text };
    const media = decodeMedia(part, at);
    if (media !== null) return media;
    const response = objectAt(part, "functionResponse", at);
    if (response === null) throw malformed(at, "must hold text, inlineData, fileData or functionResponse");
    const place = `${at}.functionResponse`;
    const callId = (id: string | null, name: string): string => this.#answer(id, name, place);
    return decodeResult(withCamelNames(response), place, callId, this.#drops);
  }

  /**
   * The id of the call that a result answers: the call with that id, else the first of that name without a
   * result.
   */
  #answer(id: string | null, name: string, at: string): string {
    const answered = this.#pending.answer(id, name) ?? id;
    if (answered !== null) return answered;
    throw malformed(
      at,
      `answers no call; the turn before it must hold a functionCall of "${name}" for each result`,
    );
  }

  #readModelPart(part: JsonObject, at: string): void {
    const text = stringAt(part, "text", at);
    const signature = part.thoughtSignature ?? null;
    if (text !== null) {
      this.#readText(text, part.thought === true ? "reasoning" : "text", signature);
      return;
    }
    const call = objectAt(part, "functionCall", at);
    if (call !== null) {
      this.#readCall(withCamelNames(call), `${at}.functionCall`, readSignature(signature, "call"));
      return;
    }
    if (!isAbsent(part.functionResponse))
      throw malformed(at, 'must be in a turn of the role "user": results are not the model\'s');
    const media = decodeMedia(part, at);
    if (media?.type === "image") {
      this.#parts.push(media);
      return;
    }
    const members = Object.entries(part).filter(([, value]) => !isAbsent(value));
    const [first] = members;
    if (first === undefined) return;
    const raw = Object.fromEntries(members);
    checkDepth(raw, at);
    const data = JSON.stringify(raw);
    this.#parts.push({ type: "opaque", name: first[0], raw: { maker: MAKER, place: "raw", data }, at });
  }

  #readText(text: string, kind: "text" | "reasoning", signature: unknown): void {
    const last = this.#parts.at(-1);
    const isOpen = (last?.type === "text" || last?.type === "reasoning") && (last.seal ?? null) === null;
    if (text === "") {
      const seal = readSignature(signature, isOpen && kind === "text" ? last.type : kind);
      if (seal === null) return;
      if (isOpen && isOfFormer(seal, kind === "reasoning", last.type))
        this.#parts[this.#parts.length - 1] = { ...last, seal };
      else this.#parts.push({ type: "reasoning", text: "", seal });
      return;
    }
    const seal: Seal | null = readSignature(signature, kind);
    // The pieces come from the chunks of one part.
    const start = isOpen && last.type === kind ? last.text : null;
    if (start !== null) this.#parts.pop();
    const whole = (start ?? "") + text;
    if (kind === "reasoning") this.#parts.push({ type: "reasoning", text: whole, seal });
    else this.#parts.push({ type: "text", text: whole, ...(seal === null ? null : { seal }) });
  }

  #readCall(call: JsonObject, at: string, seal: Seal | null): void {
    const name = nameAt(call, "name", at);
    const args = objectAt(call, "args", at) ?? {};
    checkDepth(args, `${at}.args`);
    const given = stringAt(call, "id", at);
    const number = this.#callCount++;
    const id = given === null || given === "" ? mintCallId(HISTORY, number) : given;
    this.#pending.add(id, name, id === given);
    this.#parts.push({
      type: "tool-call",
      id,
      name,
      namespace: null,
      kind: "function",
      input: JSON.stringify(args),
      ...(seal === null ? null : { seal }),
    });
  }
}
