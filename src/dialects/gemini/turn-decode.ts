/** The conversation of a client's request. */
import { GatewayError } from "../../core/errors.ts";
import { mintCallId } from "../../neutral/conversation/call-ids.ts";
import type { AssistantPart, Message, Seal, TextPart, UserPart } from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import { Members, wrong } from "./members.ts";
import { checkDepth, decodeMedia, decodeResult, dropModifiers } from "./part-decode.ts";
import { isOfFormer, MAKER, readSignature } from "./seal.ts";

/** Part of the ids of calls that came without one; the same at the same place of a conversation. */
const HISTORY = "history";

/** A call that has no result yet. */
interface Pending {
  readonly id: string;
  readonly name: string;
  readonly hasOwnId: boolean;
}

/** The instructions: a content, its parts alone, or a string. */
export function decodeSystem(body: Members): TextPart[] {
  const value = body.get("systemInstruction");
  if (value === null) return [];
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  const content = new Members(value, body.path("systemInstruction"));
  // Clients write `user`, `system` or nothing; it means nothing.
  content.get("role");
  const texts: TextPart[] = [];
  for (const { part } of partsOf(content)) {
    const text = part.string("text");
    if (text === null) throw wrong(part.at, "an object with text: instructions are text");
    if (text !== "") texts.push({ type: "text", text });
  }
  return texts;
}

export function decodeContents(body: Members, dropped: Drop[]): Message[] {
  const value = body.get("contents");
  if (value === null) throw wrong(body.path("contents"), "there, with at least one turn");
  const entries = Array.isArray(value) ? value : [value];
  const decoder = new ContentsDecoder(dropped);
  for (const [index, entry] of entries.entries())
    decoder.read(new Members(entry, Array.isArray(value) ? `contents[${index}]` : "contents"));
  const messages = decoder.end();
  if (messages.length === 0) throw wrong(body.path("contents"), "at least one turn with at least one part");
  return messages;
}

function partsOf(content: Members): { readonly part: Members }[] {
  const value = content.get("parts");
  // A single part in place of the list, and a text beside it, are what some clients write.
  if (value === null) return content.get("text") === null ? [] : [{ part: content }];
  if (!Array.isArray(value)) return [{ part: new Members(value, content.path("parts")) }];
  return value.map((entry, index) => ({ part: new Members(entry, `${content.path("parts")}[${index}]`) }));
}

class ContentsDecoder {
  readonly #messages: Message[] = [];
  readonly #dropped: Drop[];
  /** Of the model's turn that is being read; SDKs keep each chunk of a stream as a turn of its own. */
  #parts: AssistantPart[] = [];
  #pending: Pending[] = [];
  #isAfterModel = false;
  /** Where that turn began. */
  #modelAt = "contents";
  #callCount = 0;

  constructor(dropped: Drop[]) {
    this.#dropped = dropped;
  }

  read(content: Members): void {
    const role = content.string("role") ?? "user";
    if (role === "model") {
      if (!this.#isAfterModel) {
        this.#pending = [];
        this.#modelAt = content.at;
      }
      this.#isAfterModel = true;
      for (const { part } of partsOf(content)) this.#readModelPart(part);
      return;
    }
    if (role !== "user" && role !== "function")
      throw wrong(content.path("role"), 'one of "user" and "model"; instructions go into systemInstruction');
    this.#endModelTurn();
    const parts: UserPart[] = [];
    for (const { part } of partsOf(content)) {
      const decoded = this.#userPart(part);
      if (decoded !== null) parts.push(decoded);
    }
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

  #userPart(part: Members): UserPart | null {
    dropModifiers(part, this.#dropped);
    const text = part.string("text");
    if (text !== null) return text === "" ? null : { type: "text", text };
    const media = decodeMedia(part);
    if (media !== null) return media;
    const response = part.members("functionResponse");
    if (response === null)
      throw wrong(part.at, "an object with one of text, inlineData, fileData and functionResponse");
    return decodeResult(response, (id, name) => this.#answer(id, name, response.at), this.#dropped);
  }

  /** The id of the call that a result answers: by its id, else the first of its name that has no result yet. */
  #answer(id: string | null, name: string, at: string): string {
    let found = id === null ? -1 : this.#pending.findIndex((call) => call.id === id);
    if (found === -1)
      found = this.#pending.findIndex((call) => call.name === name && (id === null || !call.hasOwnId));
    const [call] = found === -1 ? [] : this.#pending.splice(found, 1);
    if (call !== undefined) return call.id;
    if (id !== null) return id;
    throw new GatewayError(
      "bad_request",
      `${at} answers no call: the turn before it must hold a functionCall of "${name}" for each result`,
      { param: at },
    );
  }

  #readModelPart(part: Members): void {
    const text = part.string("text");
    const signature = part.get("thoughtSignature");
    if (text !== null) {
      this.#readText(text, part.get("thought") === true ? "reasoning" : "text", signature);
      return;
    }
    const call = part.members("functionCall");
    if (call !== null) {
      this.#readCall(call, readSignature(signature, "call"));
      return;
    }
    if (part.get("functionResponse") !== null)
      throw wrong(part.at, 'in a turn of the role "user": results are not the model\'s');
    const media = decodeMedia(part);
    if (media?.type === "image") {
      this.#parts.push(media);
      return;
    }
    const [name] = part.names();
    if (name === undefined) return;
    const raw = Object.fromEntries(part.names().map((each) => [each, part.get(each)]));
    checkDepth(raw, part.at);
    const data = JSON.stringify(raw);
    this.#parts.push({ type: "opaque", name, raw: { maker: MAKER, place: "raw", data }, at: part.at });
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
    // Pieces of one part, as they came in chunks.
    const start = isOpen && last.type === kind ? last.text : null;
    if (start !== null) this.#parts.pop();
    const whole = (start ?? "") + text;
    if (kind === "reasoning") this.#parts.push({ type: "reasoning", text: whole, seal });
    else this.#parts.push({ type: "text", text: whole, ...(seal === null ? null : { seal }) });
  }

  #readCall(call: Members, seal: Seal | null): void {
    const name = call.string("name");
    if (name === null || name === "") throw wrong(`${call.at}.name`, "the name of the function");
    const args = call.object("args") ?? {};
    checkDepth(args, `${call.at}.args`);
    const given = call.string("id");
    const number = this.#callCount++;
    const id = given === null || given === "" ? mintCallId(HISTORY, number) : given;
    this.#pending.push({ id, name, hasOwnId: id === given });
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
