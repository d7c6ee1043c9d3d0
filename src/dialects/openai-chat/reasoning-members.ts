/**
 * The members in which servers of this dialect give their reasoning, and want it back: text, lists of entries with
 * signatures or encrypted text, and an object. What a server sent goes back as it came.
 *
 * - `reasoning_content`: DeepSeek, Kimi, GLM, Qwen. `reasoning`: vLLM from 0.16 on, Groq, Cerebras, Ollama.
 * - `reasoning_details`: OpenRouter (https://openrouter.ai/docs/use-cases/reasoning-tokens), MiniMax.
 * - `thinking_blocks`: LiteLLM (https://docs.litellm.ai/docs/reasoning_content).
 * - `reasoning_text` and `reasoning_opaque`: GitHub Copilot (anomalyco/opencode#8900).
 * - `content`: Mistral's parts of type `thinking`. `extra_content`: Google.
 * - `<think>`: tags in the text, of servers that leave it to their clients to find the thinking (`thought-tags.ts`).
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import { GrownText } from "../../neutral/answer/grown-text.ts";
import type { AssistantPart, Message, ReasoningPart, Seal } from "../../neutral/message.ts";
import { asArray, asObject, asString, parseJson } from "../../wire/json.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { COMPATIBLE_MAKER } from "./seal.ts";

/** Members of text, the preferred one first. Servers that fill several repeat the same text. */
const TEXTS = ["reasoning_content", "reasoning", "reasoning_text"] as const;
const LISTS = ["reasoning_details", "thinking_blocks"] as const;
/** Values of which the last one counts. */
const VALUES = ["reasoning_opaque", "extra_content"] as const;
/** The text of thinking that stands among the parts of the content. */
const CONTENT = "content";
/** The text of thinking that stands in tags in front of the content's text. */
const TAGS = "<think>";
/** All members of an assistant's turn that hold reasoning, but for its content. */
export const REASONING_MEMBERS: readonly string[] = [...TEXTS, ...LISTS, ...VALUES];

/** Those that hold signatures or encrypted text; the last one stands on calls, too. */
export const SEALED_MEMBERS: readonly string[] = [...LISTS, ...VALUES];

/** Members of an entry that come in pieces. */
const GROWING: ReadonlySet<string> = new Set(["text", "summary", "data", "thinking", "signature"]);
/** Beyond this, entries are forgotten: half of them would be refused. */
const MAX_STATE_CHARS = 1_000_000;

/** Gathers the reasoning of one answer from a stream's deltas, or from a whole reply's message. */
export class ReasoningReader {
  /** Entries of a whole reply stay as they are; those of a stream are joined. */
  readonly #isWhole: boolean;
  /** The member whose text counts. */
  #speaker: string | null = null;
  /** null: no member has had a text. */
  #texts: Set<string> | null = null;
  #lists: Map<string, EntryList> | null = null;
  #values: Map<string, unknown> | null = null;
  #chars = 0;

  constructor(isWhole: boolean) {
    this.#isWhole = isWhole;
  }

  /** Whether there are entries that no seal holds yet. */
  get isPending(): boolean {
    return this.#lists !== null || this.#values !== null;
  }

  /** Returns the text that the delta adds to the reasoning. */
  take(delta: JsonObject): string {
    let said = "";
    for (const member of TEXTS) {
      const text = delta[member];
      if (typeof text !== "string" || text === "") continue;
      this.#hasText(member);
      this.#speaker ??= member;
      if (this.#speaker === member) said = text;
    }
    for (const member of LISTS) {
      const list = delta[member];
      if (!Array.isArray(list) || list.length === 0) continue;
      const text = this.#takeList(member, list);
      if (text !== "") this.#speaker ??= member;
      if (this.#speaker === member) said += text;
    }
    for (const member of VALUES) {
      const value = delta[member];
      if (!isState(value) || !this.#hold(JSON.stringify(value).length)) continue;
      this.#values ??= new Map();
      this.#values.set(member, value);
    }
    return said;
  }

  /** The content holds thinking: as parts, or in tags. */
  noteContent(form: "parts" | "tags"): void {
    this.#hasText(form === "parts" ? CONTENT : TAGS);
  }

  #hasText(member: string): void {
    this.#texts ??= new Set();
    this.#texts.add(member);
  }

  /** The seal of all that was taken since the last one; null: there is nothing to send back. */
  takeSeal(): Seal | null {
    const state: Record<string, unknown> = {};
    if (this.#lists !== null) for (const [member, list] of this.#lists) state[member] = list.entries;
    if (this.#values !== null) for (const [member, value] of this.#values) state[member] = value;
    this.#lists = null;
    this.#values = null;
    return sealOf(this.#texts === null ? [] : [...this.#texts], state);
  }

  /** Returns the text of the entries. */
  #takeList(member: string, list: readonly unknown[]): string {
    let said = "";
    let chars = 0;
    for (const raw of list) {
      const entry = asObject(raw);
      if (entry === null) continue;
      said += asString(entry.text) ?? asString(entry.summary) ?? asString(entry.thinking) ?? "";
      for (const value of Object.values(entry)) chars += typeof value === "string" ? value.length : 8;
    }
    if (!this.#hold(chars)) return said;
    this.#lists ??= new Map();
    let entries = this.#lists.get(member);
    if (entries === undefined) {
      entries = new EntryList();
      this.#lists.set(member, entries);
    }
    for (const raw of list) if (isObject(raw)) entries.add(raw, this.#isWhole);
    return said;
  }

  #hold(chars: number): boolean {
    this.#chars += chars;
    if (this.#chars <= MAX_STATE_CHARS) return true;
    this.#lists = null;
    this.#values = null;
    return false;
  }
}

/** Whether a value is to come back. Google's mark of a thought says nothing beside the thought's text. */
function isState(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  const google = asObject(asObject(value)?.google);
  return isObject(value) && !(google?.thought === true && Object.keys(google).length === 1);
}

interface Entry {
  readonly members: Record<string, unknown>;
  /** The texts of those members that come in pieces. */
  readonly grown: Map<string, GrownText>;
}

/** A list of entries that may come in pieces: pieces of one entry have its type, and its index and id if it has them. */
class EntryList {
  readonly #entries: Entry[] = [];
  readonly #byKey = new Map<string, number>();

  get entries(): JsonObject[] {
    return this.#entries.map(({ members, grown }) => {
      const entry = { ...members };
      for (const [name, text] of grown) entry[name] = text.text;
      return entry;
    });
  }

  add(piece: JsonObject, isWhole: boolean): void {
    const at = isWhole ? undefined : this.#find(piece);
    if (at === undefined) {
      const grown = new Map<string, GrownText>();
      this.#entries.push({ members: { ...piece }, grown });
      if (!isWhole) this.#byKey.set(keyOf(piece), this.#entries.length - 1);
      for (const name of GROWING) {
        const value = piece[name];
        if (typeof value !== "string" || isWhole) continue;
        grown.set(name, grownFrom(value));
      }
      return;
    }
    const { members, grown } = this.#entries[at] as Entry;
    for (const [name, value] of Object.entries(piece)) {
      if (typeof value === "string" && GROWING.has(name)) {
        const text = grown.get(name);
        if (text === undefined) {
          grown.set(name, grownFrom(value));
          members[name] = "";
        } else text.add(value);
      } else if (members[name] === undefined || members[name] === null) members[name] = value;
    }
  }

  /** The entry that the piece continues. Without an index, a piece continues the last entry alone. */
  #find(piece: JsonObject): number | undefined {
    const at = this.#byKey.get(keyOf(piece));
    return typeof piece.index === "number" || at === this.#entries.length - 1 ? at : undefined;
  }
}

function keyOf({ type, index, id }: JsonObject): string {
  return JSON.stringify([type ?? null, index ?? null, id ?? null]);
}

function grownFrom(text: string): GrownText {
  const grown = new GrownText();
  grown.add(text);
  return grown;
}

/** A seal holds the name of the member of its text, or JSON text: those names, and the other members with their values. */
function sealOf(texts: readonly string[], state: JsonObject): Seal | null {
  const [only, ...others] = texts;
  const isPlain = Object.keys(state).length === 0;
  if (only === undefined && isPlain) return null;
  const data = isPlain && only !== undefined && others.length === 0 ? only : JSON.stringify({ texts, state });
  return { maker: COMPATIBLE_MAKER, place: "reasoning", data };
}

/** Clients bring seals back, and may have changed them. */
function readSeal(data: string): { readonly texts: readonly string[]; readonly state: JsonObject } {
  if (!data.startsWith("{")) return { texts: [data], state: {} };
  const sealed = asObject(parseJson(data));
  // Each name once: a text must not grow by how often its seal names a member.
  const texts = [...new Set(asArray(sealed?.texts).filter((name) => typeof name === "string"))];
  return { texts, state: asObject(sealed?.state) ?? {} };
}

/** The reasoning in a turn that a client sends in this dialect; null: none. */
export function decodeReasoning(message: JsonObject): ReasoningPart | null {
  if (REASONING_MEMBERS.every((member) => message[member] === undefined)) return null;
  const reader = new ReasoningReader(true);
  const text = reader.take(message);
  const seal = text === "" && !reader.isPending ? null : reader.takeSeal();
  return seal === null ? null : { type: "reasoning", text, seal };
}

export interface ReturnedReasoning {
  /** Members of the turn. */
  readonly members: JsonObject;
  /** Thinking that goes in front of the content's other parts; "": none. */
  readonly thought: string;
  /** Thinking that goes in front of the content's text, in tags; "": none. */
  readonly tagged: string;
}

const NO_REASONING: ReturnedReasoning = { members: {}, thought: "", tagged: "" };

/** Writes the reasoning of the assistant's turns as the server takes it. */
export class ReasoningWriter {
  readonly #taken: readonly string[] | null;
  readonly #filler: string | null;
  /** The member for text, where neither its seal nor the server names one. */
  readonly #member: string;
  readonly #isSealed: boolean;
  /** Whether a server of which nothing is known takes thinking among the parts of the content: few do. */
  readonly #takesParts: boolean;
  /** The text of reasoning goes back on turns without calls, too. */
  readonly #isOnAllTurns: boolean;

  constructor(messages: readonly Message[], { profile, traits, repairs }: EncodeRequestOptions) {
    this.#taken = profile.reasoningMembers;
    const filler = this.#taken?.length === 0 ? null : traits.onChat.reasoningFiller;
    this.#filler = filler === "" && !profile.emptyReasoning ? " " : filler;
    this.#isSealed = !repairs.withoutSeals;
    this.#takesParts = traits.onChat.answersInParts;
    this.#isOnAllTurns = this.#filler !== null || repairs.returnReasoning;
    this.#member = textMember(this.#taken ?? namesIn(messages)) ?? TEXTS[0];
  }

  write(parts: readonly AssistantPart[]): ReturnedReasoning {
    if (this.#filler === null && !parts.some(({ type }) => type === "reasoning")) return NO_REASONING;
    const texts = new Map<string, string>();
    const state: Record<string, unknown> = {};
    const lists = new Map<string, unknown[]>();
    for (const part of parts) {
      if (part.type !== "reasoning" || part.seal?.maker !== COMPATIBLE_MAKER || !this.#isSealed) continue;
      const sealed = readSeal(part.seal.data);
      for (const name of this.#namesFor(sealed.texts)) texts.set(name, (texts.get(name) ?? "") + part.text);
      for (const [name, value] of Object.entries(sealed.state)) {
        if (!REASONING_MEMBERS.includes(name) || !this.#takes(name)) continue;
        if (!Array.isArray(value)) {
          state[name] = value;
          continue;
        }
        // The entries of thousands of parts: none is copied twice.
        const list = lists.get(name) ?? [];
        appendAll(list, value);
        lists.set(name, list);
        state[name] = list;
      }
    }
    const thought = texts.get(CONTENT) ?? "";
    const inTags = texts.get(TAGS) ?? "";
    texts.delete(CONTENT);
    texts.delete(TAGS);
    for (const [name, text] of texts) if (text === "") texts.delete(name);
    // Most chat templates take the thinking out of turns without calls, and older servers refuse it there.
    const isWanted =
      this.#isOnAllTurns || Object.keys(state).length > 0 || parts.some(({ type }) => type === "tool-call");
    if (!isWanted) texts.clear();
    if (this.#filler !== null && thought === "") this.#addWanted(texts, this.#filler);
    const tagged = isWanted && inTags !== "" ? `<think>${inTags}</think>\n` : "";
    return { members: { ...Object.fromEntries(texts), ...state }, thought, tagged };
  }

  /** A model that wants reasoning on every turn may look in any of the server's members for it. */
  #addWanted(texts: Map<string, string>, filler: string): void {
    const [known = filler] = texts.values();
    if (texts.size === 0) texts.set(this.#member, known);
    for (const name of this.#taken ?? []) if (textMember([name]) !== null) texts.set(name, known);
  }

  /** The members in which the text came, or the one that this server has in their place. */
  #namesFor(names: readonly string[]): readonly string[] {
    const own = names.filter((name) => isText(name) && this.#takes(name));
    if (own.length > 0) return own;
    return names.some(isText) && textMember(this.#taken ?? []) !== null ? [this.#member] : [];
  }

  #takes(name: string): boolean {
    return this.#taken === null ? name !== CONTENT || this.#takesParts : this.#taken.includes(name);
  }
}

function isText(name: string): boolean {
  return name === CONTENT || name === TAGS || textMember([name]) !== null;
}

function textMember(names: readonly string[]): string | null {
  return names.find((name) => (TEXTS as readonly string[]).includes(name)) ?? null;
}

/** The names of members in the first seal of a compatible server. */
function namesIn(messages: readonly Message[]): readonly string[] {
  for (const { role, parts } of messages) {
    if (role !== "assistant") continue;
    for (const part of parts)
      if (part.type === "reasoning" && part.seal?.maker === COMPATIBLE_MAKER)
        return readSeal(part.seal.data).texts;
  }
  return [];
}

/** Mistral's form of thinking. */
export function thinkingPart(thought: string): JsonObject {
  return { type: "thinking", thinking: [{ type: "text", text: thought }] };
}
