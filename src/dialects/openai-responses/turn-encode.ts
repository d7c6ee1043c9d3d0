/** Writes the items of the input. The same messages give the same items, whatever follows them. */
import type { JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import { callIdFor } from "../../neutral/conversation/call-ids.ts";
import type { Arranged } from "../../neutral/conversation/conversation.ts";
import type {
  AssistantMessage,
  AssistantPart,
  ReasoningPart,
  RefusalPart,
  SearchPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
} from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import type { ToolNames } from "../../neutral/tools/tool-names.ts";
import { asObject } from "../../wire/json.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { CALL_ID_RULE } from "./call-id.ts";
import { parse } from "./item-encode.ts";
import { PartEncoder, type WirePart } from "./part-encode.ts";
import { MAKER } from "./seal.ts";

type CallIds = Arranged["calls"];

export class InputEncoder {
  readonly items: JsonObject[] = [];
  readonly #names: ToolNames;
  readonly #dropped: Drop[];
  readonly #parts: PartEncoder;
  readonly #systemRole: "developer" | "system";
  /** Models that do not think refuse reasoning in their input. */
  readonly #withoutReasoning: boolean;

  constructor(names: ToolNames, options: EncodeRequestOptions, dropped: Drop[]) {
    this.#names = names;
    this.#dropped = dropped;
    this.#parts = new PartEncoder(options, dropped);
    this.#systemRole = options.profile.instructionRole;
    const { kind, isOnByDefault } = options.traits.thinking;
    this.#withoutReasoning = options.repairs.withoutSeals || (kind === "none" && !isOnByDefault);
  }

  /**
   * Instructions are items, not `instructions`: each part stays a part and may have a mark for the cache, and
   * nothing moves when a later turn has instructions of its own.
   */
  system(parts: readonly TextPart[]): void {
    if (parts.length === 0) return;
    const content = parts.map((part) => this.#parts.text(part));
    this.items.push({ type: "message", role: this.#systemRole, content });
  }

  conversation({ messages, calls }: Pick<Arranged, "messages" | "calls">): void {
    for (const message of messages) {
      if (message.role === "system") this.system(message.parts);
      else if (message.role === "user") this.#user(message, calls);
      else this.#assistant(message);
    }
  }

  /** Ends the list of items. */
  finish(): readonly JsonObject[] {
    this.#parts.dropOldMarks();
    return this.items;
  }

  #user(message: UserMessage, calls: CallIds): void {
    if (message.name)
      this.#dropped.push({ field: "messages[].name", reason: "participants have no names here" });
    const content: WirePart[] = [];
    const later: WirePart[] = [];
    for (const part of message.parts) {
      if (part.type === "tool-result") this.#result(part, calls, later);
      else if (part.type === "text") content.push(this.#parts.text(part));
      else appendAll(content, this.#parts.part(part));
    }
    const said = later.length === 0 ? content : [...later, ...content];
    if (said.length > 0) this.items.push({ type: "message", role: "user", content: said });
  }

  #result(part: ToolResultPart, calls: CallIds, later: WirePart[]): void {
    const isCustom = calls.get(part.callId)?.kind === "custom";
    this.items.push({
      type: isCustom ? "custom_tool_call_output" : "function_call_output",
      call_id: callIdFor(part.callId, CALL_ID_RULE),
      output: this.#parts.output(part, later),
    });
  }

  #assistant({ parts }: AssistantMessage): void {
    /** Reasoning that waits for the next item: OpenAI refuses reasoning without one. */
    let reasoning: JsonObject[] = [];
    let texts: WirePart[] | null = null;
    let phase: string | null = null;
    for (const part of parts) {
      if (part.type === "reasoning") {
        const item = this.#reasoning(part);
        if (item === null) continue;
        reasoning.push(item);
        texts = null;
        continue;
      }
      const isText = part.type === "text" || part.type === "refusal";
      if (isText && part.text === "") continue;
      const partPhase: string | null = part.type === "text" ? (part.phase ?? null) : phase;
      if (isText && texts !== null && partPhase === phase) {
        texts.push(this.#text(part));
        continue;
      }
      const content: WirePart[] = isText ? [this.#text(part)] : [];
      phase = partPhase;
      const item: JsonObject | null = isText
        ? { type: "message", role: "assistant", ...(phase === null ? null : { phase }), content }
        : this.#item(part);
      if (item === null) continue;
      appendAll(this.items, reasoning);
      this.items.push(item);
      reasoning = [];
      texts = isText ? content : null;
    }
  }

  /** The assistant's texts take no marks for the cache. */
  #text(part: TextPart | RefusalPart): WirePart {
    if (part.type === "refusal") return { type: "refusal", refusal: part.text };
    return { type: "output_text", text: part.text };
  }

  #item(part: Exclude<AssistantPart, TextPart | RefusalPart | ReasoningPart>): JsonObject | null {
    switch (part.type) {
      case "tool-call":
        return this.#call(part);
      case "search":
        return searchOf(part);
      case "image":
        this.#dropped.push({
          field: part.at,
          reason: "an image in the assistant's own turn cannot be given back",
        });
        return null;
      case "opaque":
        if (part.raw.maker === MAKER) return asObject(parse(part.raw.data));
        this.#dropped.push({
          field: part.at,
          reason: `only its own provider can read the block ${part.name}`,
        });
        return null;
    }
  }

  /** Leaves out ids of items, which belong to responses that are not stored. */
  #call({ id, kind, input, ...tool }: ToolCallPart): JsonObject {
    const call_id = callIdFor(id, CALL_ID_RULE);
    const name = this.#names.wireName(tool);
    return kind === "custom"
      ? { type: "custom_tool_call", call_id, name, input }
      : { type: "function_call", call_id, name, arguments: input.trim() === "" ? "{}" : input };
  }

  /** Leaves out the thinking of other makers, which OpenAI cannot read. */
  #reasoning({ text, seal }: ReasoningPart): JsonObject | null {
    if (seal?.maker !== MAKER || seal.place !== "reasoning" || this.#withoutReasoning) return null;
    const summary = text === "" ? [] : [{ type: "summary_text", text }];
    return { type: "reasoning", summary, encrypted_content: seal.data };
  }
}

/** The text holds the results of a search of another maker. */
function searchOf({ raw }: SearchPart): JsonObject | null {
  if (raw?.maker !== MAKER) return null;
  const action = asObject(asObject(parse(raw.data))?.action);
  return action === null ? null : { type: "web_search_call", status: "completed", action };
}
