/** Writes the conversation. */
import type { JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import { returnedIdFor } from "../../neutral/conversation/call-ids.ts";
import { arrange } from "../../neutral/conversation/conversation.ts";
import type {
  AssistantMessage,
  AssistantPart,
  CacheHint,
  Message,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
} from "../../neutral/message.ts";
import type { Drop, ModelRequest } from "../../neutral/request.ts";
import { customArguments } from "../../neutral/tools/custom-tool.ts";
import { argumentsOnWire } from "../../neutral/tools/keys-on-wire.ts";
import type { ToolNames } from "../../neutral/tools/tool-names.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { partsOf } from "../shared/turns.ts";
import { MediaWriter } from "./media-encode.ts";
import { ReasoningWriter, thinkingPart } from "./reasoning-members.ts";
import { DUMMY_SIGNATURE, SIGNATURE_MAKER } from "./seal.ts";

const PARTICIPANT = /^[^\s<|\\/>]{1,64}$/;
/** The member that holds Google's signatures. */
const SIGNED = "extra_content";
const MOVED: Readonly<Record<"image" | "document" | "audio", string>> = {
  image: "[The image is in the next message of the user.]",
  document: "[The document is in the next message of the user.]",
  audio: "[The sound is in the next message of the user.]",
};

/** The messages and the drops. `system`: the instructions in front, the encoder's own among them. */
export function encodeMessages(
  { messages, cacheWhole }: ModelRequest,
  system: readonly TextPart[],
  names: ToolNames,
  options: EncodeRequestOptions,
  dropped: Drop[],
): JsonObject[] {
  const { traits, repairs } = options;
  const isFree = traits.midSystem && !repairs.systemFirst;
  const arranged = arrange(joinAssistants(messages), {
    midSystem: isFree ? "in-place" : "fold",
    mergesTurns: !isFree,
    needsUserFirst: false,
  });
  appendAll(dropped, arranged.dropped);
  if (!traits.prefill && arranged.messages.at(-1)?.role === "assistant")
    dropped.push({
      field: "messages",
      reason:
        "the beginning of the answer is sent as a turn of its own, as this provider does not go on with it",
    });
  const writer = new MessageWriter(names, options, dropped, new ReasoningWriter(messages, options));
  if (isFree) writer.addSystem(system);
  else writer.addJoinedSystem(system);
  for (const message of arranged.messages) writer.add(message);
  if (cacheWhole !== null) writer.markLast(cacheWhole);
  return writer.messages;
}

/** Joins neighbouring turns of the assistant: one message holds its text and its calls. */
function joinAssistants(messages: readonly Message[]): readonly Message[] {
  let isApart = true;
  for (let n = 1; n < messages.length; n++)
    if (messages[n]?.role === "assistant" && messages[n - 1]?.role === "assistant") isApart = false;
  if (isApart) return messages;
  const joined: Message[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (message.role !== "assistant") joined.push(message);
    else if (last?.role === "assistant") appendAll(last.parts as AssistantPart[], message.parts);
    else joined.push({ ...message, parts: [...message.parts] });
  }
  return joined;
}

class MessageWriter {
  readonly messages: JsonObject[] = [];
  readonly #names: ToolNames;
  readonly #options: EncodeRequestOptions;
  readonly #dropped: Drop[];
  readonly #media: MediaWriter;
  readonly #reasoning: ReasoningWriter;
  readonly #systemRole: string;
  #namesLost = false;

  constructor(names: ToolNames, options: EncodeRequestOptions, dropped: Drop[], reasoning: ReasoningWriter) {
    this.#reasoning = reasoning;
    this.#names = names;
    this.#options = options;
    this.#dropped = dropped;
    this.#media = new MediaWriter(options, dropped);
    const { profile, traits } = options;
    this.#systemRole = traits.thinking.kind === "none" ? "system" : profile.instructionRole;
  }

  add(message: Message): void {
    if (message.role === "system") this.addSystem(message.parts);
    else if (message.role === "user") this.#addUser(message);
    else this.#addAssistant(message);
  }

  addSystem(parts: readonly TextPart[]): void {
    for (const part of parts) {
      const content = this.#media.isPlain(part) ? part.text : this.#contentOf(this.#media.encode(part));
      this.messages.push({ role: this.#systemRole, content });
    }
  }

  /** One message of all instructions, for chat templates that take no more; in parts where some are marked. */
  addJoinedSystem(parts: readonly TextPart[]): void {
    const isMarked = parts.some((part) => !this.#media.isPlain(part));
    if (!isMarked && parts.length > 0)
      this.addSystem([{ type: "text", text: parts.map((part) => part.text).join("\n\n") }]);
    else if (isMarked)
      this.messages.push({
        role: this.#systemRole,
        content: parts.flatMap((part) => this.#media.encode(part)),
      });
  }

  /**
   * Marks the whole prompt for the cache, where the server has marks for it on messages. All texts become parts: a text that
   * is a part in one request and a string in the next would be another prompt.
   */
  markLast(cache: CacheHint): void {
    const { messages } = this;
    if (messages.length === 0 || this.#options.profile.cacheBreakpoints) return;
    const mark = this.#media.mark(cache);
    if (Object.keys(mark).length === 0) return;
    const isOnMessages = this.#options.profile.cacheMarks === "messages";
    for (const [at, message] of messages.entries()) {
      const { role, content } = message;
      const isLast = at === messages.length - 1;
      if (role === "tool" && isOnMessages) {
        if (isLast) messages[at] = { ...message, ...mark };
        continue;
      }
      if (!isLast && typeof content !== "string") continue;
      const parts = partsOf(content ?? "");
      messages[at] = { ...message, content: isLast ? withMark(parts, mark) : parts };
    }
  }

  /** Results come first, each a message. Their media follow the last result, where media are allowed. */
  #addUser({ parts, name }: UserMessage): void {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && this.#media.isPlain(only)) {
      this.#addMessage("user", name, only.text);
      return;
    }
    const content: JsonObject[] = [];
    const own: JsonObject[] = [];
    let hasOwn = parts.length === 0;
    for (const part of parts) {
      if (part.type === "tool-result") this.#addResult(part, content);
      else {
        hasOwn = true;
        appendAll(own, this.#media.encode(part));
      }
    }
    if (!hasOwn && content.length === 0) return;
    const said = this.#contentOf([...content, ...own]);
    this.#addMessage("user", name, said);
  }

  #addResult({ callId, content, isError, cache }: ToolResultPart, media: JsonObject[]): void {
    const texts: JsonObject[] = [];
    const moved: JsonObject[] = [];
    for (const part of content) {
      for (const wire of this.#media.encode(part)) {
        if (wire.type === "text") texts.push(wire);
        else {
          moved.push(wire);
          texts.push({ type: "text", text: MOVED[part.type === "text" ? "document" : part.type] });
        }
      }
    }
    if (isError) {
      const [first] = texts;
      const text = `Error: ${typeof first?.text === "string" ? first.text : "the tool failed"}`;
      texts[0] = { ...(first ?? { type: "text" }), text };
    }
    const last = texts.at(-1);
    const mark = this.#media.mark(cache);
    const isOnMessage = this.#options.profile.cacheMarks === "messages";
    if (last !== undefined && !isOnMessage) texts.splice(-1, 1, { ...last, ...mark });
    const id = returnedIdFor(callId, this.#options.profile.callIds);
    this.messages.push({
      role: "tool",
      tool_call_id: id,
      content: this.#contentOf(texts),
      ...(isOnMessage ? mark : {}),
    });
    if (moved.length === 0) return;
    media.push({ type: "text", text: `Of the result of the tool call ${id}:` });
    appendAll(media, moved);
  }

  #addAssistant({ parts, name }: AssistantMessage): void {
    const { profile } = this.#options;
    let text = "";
    let refusal = "";
    const calls: JsonObject[] = [];
    const isMarked = parts.some((part) => part.type === "text" && !this.#media.isPlain(part));
    const marks: JsonObject[] = [];
    for (const part of parts) {
      switch (part.type) {
        case "text":
          text += part.text;
          if (isMarked) appendAll(marks, this.#media.encode(part));
          break;
        case "refusal":
          if (profile.refusals) refusal += part.text;
          else text += part.text;
          break;
        case "tool-call":
          calls.push(this.#call(part, calls.length === 0));
          break;
        case "reasoning":
        case "search":
          break;
        case "image":
        case "opaque": {
          const what = part.type === "image" ? "an image" : `the block ${part.name}`;
          this.#dropped.push({
            field: part.at,
            reason: `${what} has no place in an answer of the assistant`,
          });
          break;
        }
      }
    }
    // The turn held only parts that another provider can read.
    if (parts.length > 0 && text === "" && refusal === "" && calls.length === 0) return;
    const isSilent = text === "" && (calls.length > 0 || refusal !== "");
    const { members, thought, tagged } = this.#reasoning.write(parts);
    const spoken = isSilent ? null : isMarked ? marks : text;
    const said =
      tagged === "" ? spoken : isMarked ? [{ type: "text", text: tagged }, ...marks] : tagged + text;
    const content =
      thought === "" ? said : [thinkingPart(thought), ...(said === null || said === "" ? [] : partsOf(said))];
    const message = this.#addMessage("assistant", name, content, members);
    if (refusal !== "") message.refusal = refusal;
    if (calls.length > 0) message.tool_calls = calls;
  }

  #addMessage(
    role: "user" | "assistant",
    name: string | null | undefined,
    content: string | null | readonly unknown[],
    reasoning: JsonObject = {},
  ): Record<string, unknown> {
    const message: Record<string, unknown> = { role };
    if (this.#isShown(name)) message.name = name;
    Object.assign(message, reasoning);
    message.content = content;
    this.messages.push(message);
    return message;
  }

  #call(call: ToolCallPart, isFirst: boolean): JsonObject {
    const { id, name, namespace, kind, input, seal } = call;
    const { profile, traits, repairs } = this.#options;
    const wireName = this.#names.wireName({ name, namespace });
    const wireId = returnedIdFor(id, profile.callIds);
    if (kind === "custom" && profile.customTools)
      return { id: wireId, type: "custom", custom: { name: wireName, input } };
    const text = kind === "custom" ? customArguments(input) : argumentsOnWire(this.#names, call);
    const encoded = {
      id: wireId,
      type: "function",
      function: { name: wireName, arguments: text.trim() === "" ? "{}" : text },
    };
    const { reasoningMembers: taken } = profile;
    if (!traits.sealedCalls || taken?.includes(SIGNED) === false) return encoded;
    const own = seal?.maker === SIGNATURE_MAKER && !repairs.withoutSeals ? seal.data : null;
    // Google signs only the first of parallel calls. Its stand-in goes to servers of Google's alone.
    const signature = own ?? (isFirst && taken !== null ? DUMMY_SIGNATURE : null);
    if (signature === null) return encoded;
    return { ...encoded, extra_content: { google: { thought_signature: signature } } };
  }

  /** One plain text is a string; several are parts or one joined string, as the server takes them. */
  #contentOf(parts: readonly JsonObject[]): string | readonly JsonObject[] {
    const [first] = parts;
    if (first === undefined) return "";
    const isPlain = parts.every((part) => part.type === "text" && Object.keys(part).length === 2);
    if (!isPlain) return parts;
    if (parts.length === 1) return first.text as string;
    return this.#options.profile.textParts ? parts : parts.map((part) => part.text).join("\n");
  }

  #isShown(name: string | null | undefined): boolean {
    if (name === null || name === undefined) return false;
    if (PARTICIPANT.test(name)) return true;
    if (!this.#namesLost)
      this.#dropped.push({
        field: "messages",
        reason: "names of participants may hold no spaces and few signs",
      });
    this.#namesLost = true;
    return false;
  }
}

function withMark(parts: readonly unknown[], mark: JsonObject): readonly unknown[] {
  return parts.map((part, at) => (at === parts.length - 1 ? { ...(part as JsonObject), ...mark } : part));
}
