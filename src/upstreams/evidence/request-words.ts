/**
 * Tells a provider's own words from the words of the request that the provider repeats: names of models and tools, pieces
 * of prompts. Runs for failed replies only.
 */
import { Buffer } from "node:buffer";

/** Stands for the asked model's name in a message. A private-use character, so no provider's words hold it. */
export const MODEL_MARK = "\uE000";
/** Stands for any other quoted text of the request. */
const QUOTE_MARK = "\uE001";

/**
 * How a known server words a failure, from the beginning of its message. `{model}` is the asked model's name, bare or in
 * quotes. Upper and lower case are equal.
 */
export function wording(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern.replaceAll("{model}", `["'\`]?${MODEL_MARK}["'\`]?`)})`, "is");
}

/** A longer request counts as one that holds every text, because a search in it takes too long. */
const MAX_WORDS_BYTES = 2_000_000;

/** The words of one request: its body, and whatever else of it a provider may repeat. */
export class RequestWords {
  readonly #body: Uint8Array | null;
  readonly #others: readonly string[];
  /** In UTF-8: the search in bytes is linear, and that in texts is not, where much of a long text is nearly found. */
  #text: Buffer | null = null;

  /** `body` is JSON, or null when the request has none. `others`: its query and header values. */
  constructor(body: Uint8Array | null, others: readonly string[]) {
    this.#body = body;
    this.#others = others;
  }

  /** Whether the request holds `text`, in capitals or not, escaped or not. */
  readonly has = (text: string): boolean => {
    if (this.#body !== null && this.#body.length > MAX_WORDS_BYTES) return true;
    this.#text ??= Buffer.from(this.#read());
    return this.#text.includes(Buffer.from(text.toLowerCase()));
  };

  #read(): string {
    const body = this.#body === null ? "" : unescapeJson(Buffer.from(this.#body).toString("utf8"));
    const all = [body, ...this.#others, ...this.#others.map(decodePercents)].join("\n");
    return withoutMarks(all).toLowerCase();
  }
}

/** A request whose words are not kept: each text may be the request's. */
export function mayHoldAnything(): boolean {
  return true;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function unescapeJson(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:u([0-9a-f]{4})|([^u]))/gi, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (SHORT_ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "";
  }
}

/** The message with marks in place of the asked model's name and of quoted texts of the request. */
export function markWordsOfRequest(
  message: string,
  model: string,
  isOfRequest: (text: string) => boolean,
): string {
  // Relays such as LiteLLM leave out the part before the last slash.
  const names = [model, model.slice(model.lastIndexOf("/") + 1)].filter((name) => name !== "");
  return names.reduce(markModel, markQuotes(withoutMarks(message), names, isOfRequest));
}

/** A text that holds the marks already would pass for one that names the model. */
function withoutMarks(text: string): string {
  return text.replace(/[\uE000\uE001]/g, " ");
}

/** A message as it came, and with marks. */
export interface MarkedMessage {
  readonly message: string;
  /** As it came: up to the first mark both are the same. */
  readonly original: string;
  readonly isOfRequest: (text: string) => boolean;
}

/**
 * Whether the words at this place of a message may only repeat the request. They do not when the request's words follow
 * them as a quotation: then the request holds the words, but not the words together with the quotation.
 */
export function repeatsRequest(
  words: string,
  at: number,
  { message, original, isOfRequest }: MarkedMessage,
): boolean {
  if (!isOfRequest(words)) return false;
  const markAt = message.search(/[\uE000\uE001]/);
  return markAt < at || isOfRequest(original.slice(at, markAt + 1));
}

const CLOSING: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "`": "`",
  "“": "”",
  "‘": "’",
  "「": "」",
  "『": "』",
  "«": "»",
};
/** Each try searches the request, so a message gets no more of them. */
const MAX_TRIES = 64;

function markQuotes(
  message: string,
  names: readonly string[],
  isOfRequest: (text: string) => boolean,
): string {
  let marked = "";
  let from = 0;
  let tries = 0;
  for (let at = 0; at < message.length; at += 1) {
    const closing = CLOSING[message.charAt(at)];
    if (closing === undefined) continue;
    // The farthest end first: the quoted text may hold quotes itself.
    let end = message.lastIndexOf(closing);
    while (end > at + 1) {
      // What is left could hold anything.
      if (tries >= MAX_TRIES) return marked + message.slice(from, at + 1) + QUOTE_MARK;
      const quoted = message.slice(at + 1, end);
      tries += 1;
      const isName = names.includes(quoted);
      if (isName || isOfRequest(quoted)) {
        marked += message.slice(from, at + 1) + (isName ? MODEL_MARK : QUOTE_MARK) + closing;
        from = end + 1;
        at = end;
        break;
      }
      end = message.lastIndexOf(closing, end - 1);
    }
  }
  return marked + message.slice(from);
}

/** A name that is an ordinary word counts only where the message says that a model's name follows. */
function markModel(message: string, model: string): string {
  if (model.length > message.length) return message;
  const name = model.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const cue = /[\d/:._-]/.test(model) ? "(?<![\\w-])" : "(?<=\\bmodels?[:/ ]\\s?|模型[：: ]?)";
  return message.replace(new RegExp(`${cue}${name}(?![\\w-])`, "gi"), MODEL_MARK);
}
