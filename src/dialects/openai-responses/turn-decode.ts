/**
 * Reads the items of the input as messages. Neighbouring items of the assistant are one turn, as are
 * neighbouring results of tools.
 */
import type { JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import type {
  AssistantPart,
  Message,
  Seal,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../../neutral/message.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { asArray, asObject, asString, parseJson } from "../../wire/json.ts";
import type { Drops } from "../shared/drops.ts";
import { elementAt, listAt, nameAt, notOneOf, stringAt, textAt, wrongType } from "../shared/members.ts";
import { malformed, refusedPart } from "../shared/refusal.ts";
import { decodeSearch } from "./item-decode.ts";
import { decodeAnswer, decodeContent, decodeText } from "./part-decode.ts";
import { TOOL_SEARCH } from "./reply-context.ts";
import { MAKER } from "./seal.ts";
import type { ToolList } from "./tool-decode.ts";

/** Members that are read, and members without meaning once the item is in a conversation. */
const ITEM_MEMBERS: ReadonlySet<string> = new Set([
  "type",
  "id",
  "status",
  "role",
  "content",
  "phase",
  "call_id",
  "name",
  "namespace",
  "arguments",
  "input",
  "output",
  "summary",
  "encrypted_content",
  "caller",
  "created_by",
  // Codex's notes for its own provider.
  "internal_chat_message_metadata_passthrough",
]);

/** Items that refer to state at OpenAI. */
const STORED: Readonly<Record<string, string>> = {
  item_reference: "the item is stored at OpenAI; send the item itself (SDKs do so with store: false)",
  compaction: "only OpenAI can read a compacted history; send the messages instead",
  compaction_trigger: "only OpenAI compacts a conversation on request; leave the item out",
};

/** Results of tools that only OpenAI has. */
const FOREIGN_RESULT = /^(computer|local_shell|shell|apply_patch)_call_output$|^mcp_approval_response$/;

export class InputDecoder {
  /** Instructions before the conversation. */
  readonly system: TextPart[];
  readonly messages: Message[] = [];
  /** Settings that hold from an item of the input on. The last item counts. */
  reasoning: JsonObject | null = null;
  text: JsonObject | null = null;
  readonly #tools: ToolList;
  readonly #drops: Drops;
  /** The turn of the assistant that may still grow. */
  #turn: AssistantPart[] | null = null;
  #results: UserPart[] | null = null;
  /** Seals for the next call and the next search. A seal is an item of its own before them. */
  #callSeal: Seal | null = null;
  #rawSeal: Seal | null = null;

  constructor(instructions: string | null, tools: ToolList, drops: Drops) {
    this.system = instructions === null ? [] : [{ type: "text", text: instructions }];
    this.#tools = tools;
    this.#drops = drops;
  }

  read(input: unknown): void {
    if (typeof input === "string") {
      this.messages.push({ role: "user", parts: [{ type: "text", text: input }] });
      return;
    }
    if (!Array.isArray(input)) throw wrongType(input, "input", "a string or an array");
    for (let index = 0; index < input.length; index++) {
      this.#item(elementAt(input, index, "input"), `input[${index}]`);
    }
    this.#flushRaw("input");
  }

  #item(item: JsonObject, at: string): void {
    const type = stringAt(item, "type", at) ?? (item.role === undefined ? null : "message");
    if (type === null) throw malformed(`${at}.type`, "is missing; it must be the type of the item");
    if (this.#rawSeal !== null && type !== "web_search_call") this.#flushRaw(at);
    const read = READERS.get(type);
    if (read === undefined) this.#other(item, type, at);
    else read(this, item, at);
    if (type !== "reasoning") this.#callSeal = null;
  }

  message(item: JsonObject, at: string): void {
    this.#drops.addUnknown(item, ITEM_MEMBERS, at);
    const { content } = item;
    const contentAt = `${at}.content`;
    switch (item.role) {
      case "user":
        this.#add({ role: "user", parts: decodeContent(content, contentAt, this.#drops) });
        return;
      case "assistant":
        appendAll(
          this.#assistant(at),
          decodeAnswer(content, contentAt, stringAt(item, "phase", at), this.#drops),
        );
        return;
      case "system":
      case "developer": {
        const parts = decodeText(content, contentAt, this.#drops);
        if (this.messages.length === 0) appendAll(this.system, parts);
        else this.#add({ role: "system", parts });
        return;
      }
      default:
        throw notOneOf(`${at}.role`, ["user", "assistant", "system", "developer"]);
    }
  }

  #add(message: Message): void {
    this.#turn = null;
    this.#results = null;
    this.messages.push(message);
  }

  /** The current turn of the assistant; a new turn when another role spoke last. */
  #assistant(at: string): AssistantPart[] {
    if (this.#turn === null) {
      const parts: AssistantPart[] = [];
      this.#add({ role: "assistant", parts, at });
      this.#turn = parts;
    }
    return this.#turn as AssistantPart[];
  }

  call(item: JsonObject, at: string, kind: "function" | "custom"): void {
    this.#drops.addUnknown(item, ITEM_MEMBERS, at);
    this.#pushCall(
      {
        type: "tool-call",
        id: nameAt(item, "call_id", at),
        name: nameAt(item, "name", at),
        namespace: stringAt(item, "namespace", at),
        kind,
        input: textAt(item, kind === "custom" ? "input" : "arguments", at),
      },
      at,
    );
  }

  #pushCall(call: ToolCallPart, at: string): void {
    const seal = this.#callSeal;
    this.#callSeal = null;
    this.#assistant(at).push(seal === null ? call : { ...call, seal });
  }

  result(item: JsonObject, at: string): void {
    this.#drops.addUnknown(item, ITEM_MEMBERS, at);
    const content = decodeContent(item.output, `${at}.output`, this.#drops);
    this.#pushResult(nameAt(item, "call_id", at), content as ToolResultPart["content"], at);
  }

  #pushResult(callId: string, content: ToolResultPart["content"], at: string): void {
    if (this.#results === null) {
      const parts: UserPart[] = [];
      this.#add({ role: "user", parts });
      this.#results = parts;
    }
    (this.#results as UserPart[]).push({
      type: "tool-result",
      callId,
      name: null,
      content,
      isError: false,
      at,
    });
  }

  readReasoning(item: JsonObject, at: string): void {
    this.#drops.addUnknown(item, ITEM_MEMBERS, at);
    const sealed = stringAt(item, "encrypted_content", at);
    const seal = sealed === null || sealed === "" ? null : sealOf(sealed);
    if (seal?.place === "call") this.#callSeal = seal;
    else if (seal?.place === "raw") this.#rawSeal = seal;
    else if (seal?.place === "text") this.#sealText(seal, at);
    else {
      const summary = textsOf(listAt(item, "summary", at) ?? []);
      const text = (summary.length > 0 ? summary : textsOf(asArray(item.content))).join("\n\n");
      if (text !== "" || seal !== null) this.#assistant(at).push({ type: "reasoning", text, seal });
    }
  }

  addTools(item: JsonObject, at: string): void {
    this.#tools.addAll(listAt(item, "tools", at) ?? [], `${at}.tools`);
  }

  configure(item: JsonObject): void {
    this.reasoning = asObject(item.reasoning) ?? this.reasoning;
    this.text = asObject(item.text) ?? this.text;
  }

  /**
   * Gives the seal to the text before it. Without such a text, or when the text has a seal, the seal stands
   * alone.
   */
  #sealText(seal: Seal, at: string): void {
    const turn = this.#assistant(at);
    const last = turn.at(-1);
    if (last?.type === "text" && !last.seal) turn.splice(-1, 1, { ...last, seal });
    else turn.push({ type: "reasoning", text: "", seal });
  }

  search(item: JsonObject, at: string): void {
    const part = decodeSearch(item);
    const raw = this.#rawSeal ?? part.raw;
    this.#rawSeal = null;
    this.#assistant(at).push({ ...part, raw });
  }

  /** Adds the waiting block of another provider that belongs to no search. */
  #flushRaw(at: string): void {
    const raw = this.#rawSeal;
    if (raw === null) return;
    this.#rawSeal = null;
    const name = asString(asObject(parseJson(raw.data))?.type) ?? "block";
    this.#assistant(at).push({ type: "opaque", name, raw, at });
  }

  /**
   * The client's own search of its tools is a call like any other. OpenAI's search leaves only the tools that
   * it found.
   */
  toolSearch(item: JsonObject, at: string): void {
    const callId = stringAt(item, "call_id", at);
    if (callId === null) return;
    this.#tools.searchesTools = true;
    const input = JSON.stringify(item.arguments ?? {});
    this.#pushCall(
      {
        type: "tool-call",
        id: callId,
        name: TOOL_SEARCH,
        namespace: null,
        kind: "function",
        input,
      },
      at,
    );
  }

  toolSearchOutput(item: JsonObject, at: string): void {
    const names = this.#tools.addFound(listAt(item, "tools", at) ?? [], `${at}.tools`);
    const callId = stringAt(item, "call_id", at);
    if (callId === null) return;
    const text =
      names.length === 0 ? "No tools were found." : `Tools that can be called now: ${names.join(", ")}`;
    this.#pushResult(callId, [{ type: "text", text }], at);
  }

  image(item: JsonObject, at: string): void {
    const data = stringAt(item, "result", at);
    if (data === null || data === "") return;
    const mimeType = `image/${asString(item.output_format) ?? "png"}`;
    this.#assistant(at).push({ type: "image", source: { kind: "base64", mimeType, data }, at });
  }

  #other(item: JsonObject, type: string, at: string): void {
    if (type === "item_reference" && asString(item.id)?.startsWith("rs_")) {
      // No other provider could read the reasoning either.
      this.#drops.add(at, "the reasoning is stored at OpenAI; no other provider can read it");
      return;
    }
    const reason = Object.hasOwn(STORED, type) ? STORED[type] : undefined;
    if (reason !== undefined) throw refusedPart(at, reason);
    if (FOREIGN_RESULT.test(type))
      throw refusedPart(at, `only OpenAI has the tool of a "${type}"; leave the call and its result out`);
    if (!type.endsWith("_call") && !type.startsWith("mcp_") && !type.startsWith("program")) {
      throw refusedPart(`${at}.type`, `only OpenAI takes an item of the type "${type}"; leave the item out`);
    }
    const raw: Seal = { maker: MAKER, place: "raw", data: JSON.stringify(item) };
    this.#assistant(at).push({ type: "opaque", name: type, raw, at });
  }
}

type ReadItem = (decoder: InputDecoder, item: JsonObject, at: string) => void;

const READERS: ReadonlyMap<string, ReadItem> = new Map<string, ReadItem>([
  ["message", (decoder, item, at) => decoder.message(item, at)],
  ["function_call", (decoder, item, at) => decoder.call(item, at, "function")],
  ["custom_tool_call", (decoder, item, at) => decoder.call(item, at, "custom")],
  ["function_call_output", (decoder, item, at) => decoder.result(item, at)],
  ["custom_tool_call_output", (decoder, item, at) => decoder.result(item, at)],
  ["reasoning", (decoder, item, at) => decoder.readReasoning(item, at)],
  ["web_search_call", (decoder, item, at) => decoder.search(item, at)],
  ["additional_tools", (decoder, item, at) => decoder.addTools(item, at)],
  ["tool_search_call", (decoder, item, at) => decoder.toolSearch(item, at)],
  ["tool_search_output", (decoder, item, at) => decoder.toolSearchOutput(item, at)],
  ["configuration_update", (decoder, item) => decoder.configure(item)],
  ["image_generation_call", (decoder, item, at) => decoder.image(item, at)],
]);

/** The seal of another maker in the gateway's token, else OpenAI's own. */
function sealOf(text: string): Seal {
  return unwrapSeal(text) ?? { maker: MAKER, place: "reasoning", data: text };
}

function textsOf(parts: readonly unknown[]): string[] {
  const texts: string[] = [];
  for (const part of parts) {
    const text = asString(asObject(part)?.text);
    if (text !== null) texts.push(text);
  }
  return texts;
}
