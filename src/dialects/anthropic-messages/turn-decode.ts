/** Reads the turns of a conversation, and the changes that instructions between turns make. */
import type { JsonObject } from "../../core/json.ts";
import type {
  AssistantPart,
  Message,
  OpaquePart,
  Seal,
  SystemMessage,
  TextPart,
  ToolCallPart,
} from "../../neutral/message.ts";
import { asObject, asString, parseJson } from "../../wire/json.ts";
import {
  elementAt,
  listAt,
  nameAt,
  notOneOf,
  objectAt,
  requiredObjectAt,
  textAt,
  wrongType,
} from "../shared/members.ts";
import { refusedPart } from "../shared/refusal.ts";
import { cacheHintAt } from "./cache-marks.ts";
import {
  blocksOf,
  type ContentContext,
  decodeText,
  decodeUserContent,
  plainText,
  unknownBlock,
} from "./part-decode.ts";
import { type Carried, decodeRedacted, decodeThinking } from "./seal.ts";
import { isNativeResult, isSearchResult, isSearchUse, searchPart } from "./search.ts";
import { MAKER } from "./wire.ts";

/** A tool is offered, or no longer offered, from here on. */
export interface ToolChange {
  readonly kind: "addition" | "removal";
  readonly name: string;
  /** The definition of a tool that is defined where it is added. */
  readonly definition: JsonObject | null;
  readonly at: string;
}

export interface DecodedMessages {
  readonly messages: readonly Message[];
  readonly changes: readonly ToolChange[];
  /** The last `output_config` in an instruction. */
  readonly outputConfig: JsonObject | null;
}

const MESSAGE = new Set(["role", "content"]);
const SYSTEM = new Set(["role", "content", "output_config", "clear_at"]);

export function decodeMessages(body: JsonObject, context: ContentContext): DecodedMessages {
  const list = listAt(body, "messages", "");
  if (list === null || list.length === 0)
    throw wrongType(body.messages, "messages", "an array of at least one message");
  const messages: Message[] = [];
  const changes: ToolChange[] = [];
  let outputConfig: JsonObject | null = null;
  for (let index = 0; index < list.length; index++) {
    const at = `messages[${index}]`;
    const message = elementAt(list, index, "messages");
    switch (message.role) {
      case "user":
        context.drops.addUnknown(message, MESSAGE, at);
        messages.push({ role: "user", parts: decodeUserContent(message.content, `${at}.content`, context) });
        break;
      case "assistant":
        context.drops.addUnknown(message, MESSAGE, at);
        messages.push({
          role: "assistant",
          parts: decodeAssistant(message.content, `${at}.content`, context),
          at,
        });
        break;
      case "system": {
        context.drops.addUnknown(message, SYSTEM, at);
        const isOver = message.clear_at === "next_user_message" && index < lastUserIn(list);
        const system = decodeSystem(message, at, changes, context);
        if (!isOver && system.parts.length > 0) messages.push(system);
        outputConfig = objectAt(message, "output_config", at) ?? outputConfig;
        break;
      }
      default:
        throw notOneOf(`${at}.role`, ["user", "assistant", "system"]);
    }
  }
  return { messages, changes, outputConfig };
}

function lastUserIn(messages: readonly unknown[]): number {
  return messages.findLastIndex((entry) => asObject(entry)?.role === "user");
}

function decodeAssistant(content: unknown, at: string, context: ContentContext): readonly AssistantPart[] {
  if (typeof content === "string") return plainText(content);
  return new AssistantReader(context).read(content, at);
}

function decodeSystem(
  message: JsonObject,
  at: string,
  changes: ToolChange[],
  { drops }: ContentContext,
): SystemMessage {
  const parts: TextPart[] = [];
  const blocks =
    message.content === undefined || message.content === null
      ? []
      : blocksOf(message.content, `${at}.content`);
  for (const [index, block] of blocks.entries()) {
    const place = `${at}.content[${index}]`;
    if (block.type === "text") parts.push(decodeText(block, place, drops));
    else if (block.type === "tool_addition" || block.type === "tool_removal") {
      changes.push(decodeChange(block, place));
    } else throw unknownBlock(block, place);
  }
  return { role: "system", parts };
}

function decodeChange(block: JsonObject, at: string): ToolChange {
  const kind = block.type === "tool_addition" ? "addition" : "removal";
  const place = `${at}.tool`;
  const tool = requiredObjectAt(block, "tool", at);
  if (tool.type === "tool_reference") {
    return { kind, name: nameAt(tool, "name", place), definition: null, at: place };
  }
  if (tool.type === "tool_definition" && kind === "addition") {
    const definition = requiredObjectAt(tool, "definition", place);
    return {
      kind,
      name: asString(definition.name) ?? "",
      definition,
      at: `${place}.definition`,
    };
  }
  throw refusedPart(`${place}.type`, "only Anthropic calls the tools of MCP servers; leave the block out");
}

const TEXT_ONLY = new Set(["type", "text", "cache_control", "citations"]);
const THINKING = new Set(["type", "thinking", "signature", "data"]);
/**
 * `caller` and `toolset_name` name the origin of the call; with other providers only the model itself calls.
 */
const TOOL_USE = new Set(["type", "id", "name", "input", "cache_control", "caller", "toolset_name"]);

/** Reads one turn of the assistant. */
class AssistantReader {
  readonly #context: ContentContext;
  readonly #parts: AssistantPart[] = [];
  readonly #searches = new Map<string, JsonObject>();
  /** Seals for the next call, or for the next block of another provider. */
  #callSeal: Seal | null = null;
  #rawSeal: Seal | null = null;
  #at = "";

  constructor(context: ContentContext) {
    this.#context = context;
  }

  read(content: unknown, at: string): readonly AssistantPart[] {
    for (const [index, block] of blocksOf(content, at).entries()) {
      this.#at = `${at}[${index}]`;
      this.#readBlock(block);
    }
    this.#flushRaw();
    for (const use of this.#searches.values()) {
      const part = searchPart(use, null, true);
      this.#parts.push({ ...part, raw: this.#rawSeal ?? part.raw });
      this.#rawSeal = null;
    }
    return this.#parts;
  }

  #readBlock(block: JsonObject): void {
    if (!isSearchUse(block)) this.#flushRaw();
    const { drops } = this.#context;
    switch (block.type) {
      case "text":
        drops.addUnknown(block, TEXT_ONLY, this.#at);
        this.#parts.push(decodeText(block, this.#at, drops));
        break;
      case "thinking":
        drops.addUnknown(block, THINKING, this.#at);
        this.#take(decodeThinking(textAt(block, "thinking", this.#at), asString(block.signature) ?? ""));
        break;
      case "redacted_thinking":
        this.#take(decodeRedacted(nameAt(block, "data", this.#at)));
        break;
      case "tool_use":
        drops.addUnknown(block, TOOL_USE, this.#at);
        this.#parts.push(this.#decodeCall(block));
        break;
      // The block marks a switch from a model that refused to another model. It holds no content.
      case "fallback":
        break;
      case "compaction":
        throw refusedPart(
          this.#at,
          "only Anthropic can read a compacted history; start the conversation anew",
        );
      case "image":
      case "document":
        // Anthropic refuses it as well.
        throw refusedPart(
          this.#at,
          `a turn of the assistant cannot hold a block of the type "${block.type}"; send it in a message of the user`,
        );
      default:
        this.#readServerBlock(block);
    }
  }

  #take(carried: Carried): void {
    if (carried.kind === "reasoning") {
      this.#parts.push(carried.part);
      return;
    }
    const { seal } = carried;
    if (seal.place === "call") this.#callSeal = seal;
    else if (seal.place === "raw") this.#rawSeal = seal;
    else {
      // The seal belongs to the text before it. Without such a text, or when the text has a seal, it stands
      // alone.
      const last = this.#parts.at(-1);
      if (last?.type === "text" && !last.seal) this.#parts[this.#parts.length - 1] = { ...last, seal };
      else this.#parts.push({ type: "reasoning", text: "", seal });
    }
  }

  #decodeCall(block: JsonObject): ToolCallPart {
    const at = this.#at;
    const seal = this.#callSeal;
    this.#callSeal = null;
    const cache = cacheHintAt(block, at);
    const input = objectAt(block, "input", at) ?? {};
    return {
      type: "tool-call",
      id: nameAt(block, "id", at),
      name: nameAt(block, "name", at),
      namespace: null,
      kind: "function",
      input: JSON.stringify(input),
      ...(seal === null ? null : { seal }),
      ...(cache === null ? null : { cache }),
    };
  }

  #readServerBlock(block: JsonObject): void {
    const name = nameAt(block, "type", this.#at);
    if (isSearchUse(block)) {
      this.#searches.set(nameAt(block, "id", this.#at), block);
      return;
    }
    if (isSearchResult(block)) {
      const id = asString(block.tool_use_id) ?? "";
      const use = this.#searches.get(id) ?? null;
      this.#searches.delete(id);
      const part = searchPart(use, block, isNativeResult(block));
      const raw = this.#rawSeal ?? part.raw;
      this.#rawSeal = null;
      this.#parts.push({ ...part, raw });
      return;
    }
    this.#pushOpaque(name, { maker: MAKER, place: "raw", data: JSON.stringify(block) });
  }

  /**
   * Adds the waiting block of another provider when no search block follows, as a client of this dialect saw
   * nothing of it.
   */
  #flushRaw(): void {
    const raw = this.#rawSeal;
    if (raw === null || this.#searches.size > 0) return;
    this.#rawSeal = null;
    this.#pushOpaque(asString(asObject(parseJson(raw.data))?.type) ?? "", raw);
  }

  #pushOpaque(name: string, raw: Seal): void {
    const part: OpaquePart = { type: "opaque", name, raw, at: this.#at };
    this.#parts.push(part);
  }
}
