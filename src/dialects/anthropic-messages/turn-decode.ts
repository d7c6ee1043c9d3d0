/** The turns of a client's conversation, and what instructions between them change. */
import type {
  AssistantPart,
  Message,
  OpaquePart,
  Seal,
  SystemMessage,
  TextPart,
  ToolCallPart,
} from "../../neutral/message.ts";
import type { JsonObject } from "../../neutral/request.ts";
import { asObject, asString } from "../../wire/json.ts";
import {
  badField,
  cacheHintOf,
  dropUnknown,
  notTranslatable,
  optionalObject,
  requireList,
  requireName,
  requireObject,
  requireText,
} from "./fields.ts";
import { blocksOf, type ContentContext, decodeText, decodeUserContent, unknownBlock } from "./part-decode.ts";
import { type Carried, decodeRedacted, decodeThinking } from "./seal.ts";
import { isNativeResult, isSearchResult, isSearchUse, searchPart } from "./search.ts";
import { MAKER } from "./wire.ts";

/** Says that a tool is offered, or not, from here on. */
export interface ToolChange {
  readonly kind: "addition" | "removal";
  readonly name: string;
  /** A tool that is defined where it is added. */
  readonly definition: JsonObject | null;
  readonly at: string;
}

export interface DecodedMessages {
  readonly messages: readonly Message[];
  readonly changes: readonly ToolChange[];
  /** The last `output_config` that stands in an instruction. */
  readonly outputConfig: JsonObject | null;
}

const MESSAGE = new Set(["role", "content"]);
const SYSTEM = new Set(["role", "content", "output_config", "clear_at"]);

export function decodeMessages(body: JsonObject, context: ContentContext): DecodedMessages {
  const list = requireList(body.messages, "messages");
  if (list.length === 0) throw badField("messages", "must hold at least one message.");
  const messages: Message[] = [];
  const changes: ToolChange[] = [];
  let outputConfig: JsonObject | null = null;
  const lastUser = list.findLastIndex((entry) => asObject(entry)?.role === "user");
  for (const [index, entry] of list.entries()) {
    const at = `messages[${index}]`;
    const message = requireObject(entry, at);
    switch (message.role) {
      case "user":
        dropUnknown(message, MESSAGE, at, context.drops);
        messages.push({ role: "user", parts: decodeUserContent(message.content, `${at}.content`, context) });
        break;
      case "assistant":
        dropUnknown(message, MESSAGE, at, context.drops);
        messages.push({
          role: "assistant",
          parts: new AssistantReader(context).read(message.content, `${at}.content`),
          at,
        });
        break;
      case "system": {
        dropUnknown(message, SYSTEM, at, context.drops);
        const isOver = message.clear_at === "next_user_message" && index < lastUser;
        const system = decodeSystem(message, at, changes, context);
        if (!isOver && system.parts.length > 0) messages.push(system);
        outputConfig = optionalObject(message.output_config, `${at}.output_config`) ?? outputConfig;
        break;
      }
      default:
        throw badField(`${at}.role`, 'must be "user", "assistant" or "system".');
    }
  }
  return { messages, changes, outputConfig };
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
  const tool = requireObject(block.tool, place);
  if (tool.type === "tool_reference") {
    return { kind, name: requireName(tool.name, `${place}.name`), definition: null, at: place };
  }
  if (tool.type === "tool_definition" && kind === "addition") {
    const definition = requireObject(tool.definition, `${place}.definition`);
    return {
      kind,
      name: asString(definition.name) ?? "",
      definition,
      at: `${place}.definition`,
    };
  }
  throw notTranslatable(
    `${place}.type`,
    "tools of MCP servers that the provider calls are Anthropic's alone.",
  );
}

const TEXT_ONLY = new Set(["type", "text", "cache_control", "citations"]);
const THINKING = new Set(["type", "thinking", "signature", "data"]);
/** `caller` and `toolset_name` say where the call came from; a call of the model itself is the only kind elsewhere. */
const TOOL_USE = new Set(["type", "id", "name", "input", "cache_control", "caller", "toolset_name"]);

/** One turn of the assistant, block by block. */
class AssistantReader {
  readonly #context: ContentContext;
  readonly #parts: AssistantPart[] = [];
  readonly #searches = new Map<string, JsonObject>();
  /** Seals that wait for the call, or the provider's block, that they belong to. */
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
        dropUnknown(block, TEXT_ONLY, this.#at, drops);
        this.#parts.push(decodeText(block, this.#at, drops));
        break;
      case "thinking":
        dropUnknown(block, THINKING, this.#at, drops);
        this.#take(
          decodeThinking(
            requireText(block.thinking, `${this.#at}.thinking`),
            asString(block.signature) ?? "",
          ),
        );
        break;
      case "redacted_thinking":
        this.#take(decodeRedacted(requireName(block.data, `${this.#at}.data`)));
        break;
      case "tool_use":
        dropUnknown(block, TOOL_USE, this.#at, drops);
        this.#parts.push(this.#decodeCall(block));
        break;
      // Where a refused model's place was taken: nothing that was said.
      case "fallback":
        break;
      case "compaction":
        throw notTranslatable(
          this.#at,
          "a compacted history can only be read by Anthropic. Start the conversation anew.",
        );
      case "image":
      case "document":
        throw unknownBlock(block, this.#at);
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
      // Of the text right before it; where that is none, or has its own, of nothing that was said.
      const last = this.#parts.at(-1);
      if (last?.type === "text" && !last.seal) this.#parts[this.#parts.length - 1] = { ...last, seal };
      else this.#parts.push({ type: "reasoning", text: "", seal });
    }
  }

  #decodeCall(block: JsonObject): ToolCallPart {
    const at = this.#at;
    const seal = this.#callSeal;
    this.#callSeal = null;
    const cache = cacheHintOf(block, at);
    const input = optionalObject(block.input, `${at}.input`) ?? {};
    return {
      type: "tool-call",
      id: requireName(block.id, `${at}.id`),
      name: requireName(block.name, `${at}.name`),
      namespace: null,
      kind: "function",
      input: JSON.stringify(input),
      ...(seal === null ? null : { seal }),
      ...(cache === null ? null : { cache }),
    };
  }

  #readServerBlock(block: JsonObject): void {
    const name = requireName(block.type, `${this.#at}.type`);
    if (isSearchUse(block)) {
      this.#searches.set(requireName(block.id, `${this.#at}.id`), block);
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

  /** A provider's block that is not followed by what a client of this dialect could read of it. */
  #flushRaw(): void {
    const raw = this.#rawSeal;
    if (raw === null || this.#searches.size > 0) return;
    this.#rawSeal = null;
    this.#pushOpaque(typeOf(raw.data), raw);
  }

  #pushOpaque(name: string, raw: Seal): void {
    const part: OpaquePart = { type: "opaque", name, raw, at: this.#at };
    this.#parts.push(part);
  }
}

function typeOf(data: string): string {
  try {
    return asString(asObject(JSON.parse(data))?.type) ?? "";
  } catch {
    return "";
  }
}
