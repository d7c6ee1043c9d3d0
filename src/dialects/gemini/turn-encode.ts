/** Writes the conversation: turns of `user` and `model` in alternation, all results of a turn together. */
import type { JsonObject } from "../../core/json.ts";
import { type CallIdRule, callIdFor } from "../../neutral/conversation/call-ids.ts";
import type { Arranged } from "../../neutral/conversation/conversation.ts";
import type {
  AssistantMessage,
  AssistantPart,
  Seal,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
} from "../../neutral/message.ts";
import type { Drop } from "../../neutral/request.ts";
import { customArguments } from "../../neutral/tools/custom-tool.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import type { ToolNames } from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { refusedPart } from "../shared/refusal.ts";
import { encodeMedia } from "./media-encode.ts";
import { opaquePart } from "./reply-encode.ts";
import { MAKER } from "./seal.ts";
import { DUMMY_SIGNATURE, type WireContent, type WirePart } from "./wire.ts";

const CALL_IDS: CallIdRule = { isAllowed: /^[A-Za-z0-9_.:-]+$/, maxChars: 64, prefix: "call_" };

/** The member for arguments that are not a JSON object. */
const RAW_ARGUMENTS = "_raw";

type Part = WirePart | JsonObject;

export interface ContentsOptions {
  readonly names: ToolNames;
  readonly traits: ModelTraits;
  /** Send the stand-in in place of signatures. */
  readonly withoutSeals: boolean;
}

export function encodeContents(
  { messages, calls }: Arranged,
  options: ContentsOptions,
  dropped: Drop[],
): WireContent[] {
  const encoder = new ContentsEncoder(calls, options, dropped);
  const contents: { role: "user" | "model"; parts: Part[] }[] = [];
  for (const message of messages) {
    if (message.role === "system") continue;
    const role = message.role === "user" ? "user" : "model";
    const parts = message.role === "user" ? encoder.user(message) : encoder.model(message);
    const last = contents.at(-1);
    // A turn without a part that can be sent is left out, and its neighbours become one turn.
    if (parts.length === 0) continue;
    if (last?.role === role) for (const part of parts) last.parts.push(part);
    else contents.push({ role, parts });
  }
  return contents;
}

class ContentsEncoder {
  readonly #calls: ReadonlyMap<string, ToolCallPart>;
  readonly #options: ContentsOptions;
  readonly #dropped: Drop[];
  #isNameDropped = false;

  constructor(calls: ReadonlyMap<string, ToolCallPart>, options: ContentsOptions, dropped: Drop[]) {
    this.#calls = calls;
    this.#options = options;
    this.#dropped = dropped;
  }

  user({ parts, name }: UserMessage): Part[] {
    if (typeof name === "string" && name !== "" && !this.#isNameDropped) {
      this.#isNameDropped = true;
      this.#dropped.push({ field: "messages[].name", reason: "Gemini knows no names of participants" });
    }
    const results: Part[] = [];
    /** Media of results, which a result cannot hold. */
    const shown: Part[] = [];
    const others: Part[] = [];
    for (const part of parts) {
      if (part.type === "tool-result") results.push(this.#result(part, shown));
      else if (part.type !== "text") this.#media(part, others);
      else if (part.text !== "") others.push({ text: part.text });
    }
    return results.length === 0 && shown.length === 0 ? others : [...results, ...shown, ...others];
  }

  model({ parts }: AssistantMessage): Part[] {
    const encoded: Part[] = [];
    let isFirstCall = true;
    for (const part of parts) {
      const wire = part.type === "tool-call" ? this.#call(part, isFirstCall) : this.#said(part);
      if (part.type === "tool-call") isFirstCall = false;
      if (wire !== null) encoded.push(wire);
    }
    return encoded;
  }

  #media(part: Exclude<UserMessage["parts"][number], { type: "text" | "tool-result" }>, into: Part[]): void {
    for (const wire of encodeMedia(part, this.#options.traits, this.#dropped)) into.push(wire);
  }

  #result(result: ToolResultPart, shown: Part[]): WirePart {
    const texts: string[] = [];
    const held: WirePart[] = [];
    for (const part of result.content) {
      if (part.type === "text") {
        texts.push(part.text);
        continue;
      }
      for (const wire of encodeMedia(part, this.#options.traits, this.#dropped)) {
        if (wire.text !== undefined) texts.push(wire.text);
        else if (this.#options.traits.resultImages && part.type !== "audio") held.push(wire);
        else shown.push(wire);
      }
    }
    const text = texts.join("\n");
    const call = this.#calls.get(result.callId);
    const tool = { name: call?.name ?? result.name ?? "", namespace: call?.namespace ?? null };
    return {
      functionResponse: {
        id: callIdFor(result.callId, CALL_IDS),
        name: this.#options.names.wireName(tool),
        response: result.isError ? { error: text } : { output: text },
        ...(held.length === 0 ? null : { parts: held }),
      },
    };
  }

  #call(call: ToolCallPart, isFirst: boolean): WirePart {
    const own = this.#signature(call.seal);
    // The same in every turn, so that a grown conversation begins with the same bytes. Gemini does not check
    // older turns.
    const needsDummy = isFirst && (this.#options.traits.sealedCalls || this.#replaces(call.seal));
    const signature = own ?? (needsDummy ? DUMMY_SIGNATURE : null);
    return {
      functionCall: {
        id: callIdFor(call.id, CALL_IDS),
        name: this.#options.names.wireName(call),
        args: this.#arguments(call),
      },
      ...(signature === null ? null : { thoughtSignature: signature }),
    };
  }

  #arguments(call: ToolCallPart): JsonObject {
    const text = call.kind === "custom" ? customArguments(call.input) : call.input;
    const args = parseArguments(text);
    if (args !== null) return args;
    this.#dropped.push({
      field: "messages",
      reason: `the arguments of the call "${call.id}" are not a JSON object: they were put as text into "${RAW_ARGUMENTS}"`,
    });
    return { [RAW_ARGUMENTS]: text };
  }

  /** A part other than a call; null: it cannot be sent. */
  #said(part: Exclude<AssistantPart, ToolCallPart>): Part | null {
    switch (part.type) {
      case "text": {
        const signature = this.#signature(part.seal);
        if (signature !== null) return { text: part.text, thoughtSignature: signature };
        return part.text === "" ? null : { text: part.text };
      }
      case "refusal":
        return part.text === "" ? null : { text: part.text };
      case "reasoning": {
        // The thinking of another maker is left out.
        const signature = this.#signature(part.seal);
        if (signature === null) return null;
        const isThought = part.seal?.place !== "text";
        return {
          text: part.text,
          ...(isThought ? { thought: true as const } : null),
          thoughtSignature: signature,
        };
      }
      case "image":
        return encodeMedia(part, this.#options.traits, this.#dropped)[0] ?? null;
      case "search":
        // The text holds the results of a search.
        return null;
      case "opaque":
        return this.#opaque(part.raw, part.name, part.at);
    }
  }

  #opaque(raw: Seal, name: string, at: string): Part | null {
    const part = raw.maker === MAKER ? opaquePart(raw) : null;
    if (part !== null) return part;
    if (name.includes("compaction"))
      throw refusedPart(
        at,
        "only the provider that made a compacted history can read it; send the full history",
      );
    this.#dropped.push({ field: at, reason: `${name} is only known to the provider that made it` });
    return null;
  }

  /** The signature in a seal of Google's; null: none may be sent. */
  #signature(seal: Seal | null | undefined): string | null {
    return this.#options.withoutSeals || seal?.maker !== MAKER ? null : seal.data;
  }

  #replaces(seal: Seal | null | undefined): boolean {
    return this.#options.withoutSeals && seal?.maker === MAKER;
  }
}
