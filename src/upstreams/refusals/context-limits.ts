/**
 * What models read and write together, as their refusals have said it. A client such as Claude Code asks for one long answer
 * always: without this, a model of a small context would refuse each of its requests once. In memory only.
 */
import type { Clock } from "../../core/clock.ts";

/** What a refusal says of a model's context. */
export interface ToldContext {
  readonly contextTokens: number;
  /** null: the server did not count the prompt, or not to its end. */
  readonly promptTokens: number | null;
}

interface Context {
  readonly tokens: number;
  /**
   * Bytes of a request for each token that the server counts, by client key: keys write in other languages, and what one sends
   * must not make the answers of others shorter.
   */
  readonly ratios: Map<string, number>;
  /** The only client key for which the fact holds; null: it holds for all. */
  readonly key: string | null;
  readonly untilMs: number;
}

/** The upstream of a fact. Another base URL under the same name is another server. */
interface Taught {
  readonly name: string;
  readonly baseUrl: string;
}

/** A server may have been started with another context: it is asked anew after this time. */
const HOLDS_MS = 3_600_000;
const MAX_MODELS = 1_000;
const MAX_KEYS_OF_MODEL = 64;
const MAX_NAME_CHARS = 256;
/** Where the server has not counted, English text and code have so many bytes in a token. */
const USUAL_BYTES_PER_TOKEN = 4;
/** No tokenizer is outside of it: a server that counts otherwise counts something else. */
const LEAST_BYTES_PER_TOKEN = 1;
const MOST_BYTES_PER_TOKEN = 10;
/** What a prompt may have above the estimate: its latest turn may be of another kind than those that were counted. */
const MARGIN_SHARE = 0.02;
const MARGIN_TOKENS = 64;
/** Where so little seems to be left, only the server's own count says how much it is. */
const LEAST_SHARE = 1 / 8;

export class ContextLimits {
  readonly #clock: Clock;
  readonly #contexts = new Map<string, readonly Context[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** No context is known: nothing need be measured. */
  get isEmpty(): boolean {
    return this.#contexts.size === 0;
  }

  /** About how long an answer may be to a request of so many bytes; null: not known, or only the server can say it. */
  roomFor(upstream: Taught, model: string, key: string, bytes: number): number | null {
    const nowMs = this.#clock.nowMs();
    const contexts = this.#contexts.get(nameOf(upstream, model)) ?? [];
    const context = newest(contexts.filter((one) => nowMs < one.untilMs && isFor(one, key)));
    if (context === null) return null;
    const { tokens, ratios } = context;
    const prompt = bytes / (ratios.get(key) ?? USUAL_BYTES_PER_TOKEN);
    const room = Math.floor(tokens - prompt * (1 + MARGIN_SHARE) - MARGIN_TOKENS);
    return room >= tokens * LEAST_SHARE ? room : null;
  }

  /**
   * A request of so many bytes was answered with the limit that its refusal asked for. `isClients`: the client wrote the
   * limit that was refused; then the fact holds for its key alone, until a second key has met the same.
   */
  learn(
    upstream: Taught,
    model: string,
    key: string,
    { contextTokens, promptTokens }: ToldContext,
    { bytes, isClients }: { readonly bytes: number; readonly isClients: boolean },
  ): void {
    if (model.length > MAX_NAME_CHARS) return;
    const name = nameOf(upstream, model);
    const nowMs = this.#clock.nowMs();
    const known = (this.#contexts.get(name) ?? []).filter(({ untilMs }) => nowMs < untilMs);
    const isSeen = known.some((one) => one.tokens === contextTokens && one.key !== key);
    const owner = isClients && !isSeen ? key : null;
    const ratios = new Map(known.flatMap((one) => (one.tokens === contextTokens ? [...one.ratios] : [])));
    if (promptTokens !== null) addRatio(ratios, key, bytesPerToken(bytes, promptTokens));
    const context = { tokens: contextTokens, ratios, key: owner, untilMs: nowMs + HOLDS_MS };
    const others = known.filter((one) => one.key !== key && one.key !== owner).slice(-MAX_KEYS_OF_MODEL);
    this.#contexts.delete(name);
    this.#contexts.set(name, [...others, context]);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > MAX_MODELS && oldest !== undefined) this.#contexts.delete(oldest);
  }

  /** An answer has ended. What has used more than a context shows that the model has a larger one by now. */
  counted(upstream: Taught, model: string, key: string, { inputTokens, outputTokens, bytes }: Counted): void {
    const name = nameOf(upstream, model);
    const contexts = this.#contexts.get(name);
    if (contexts === undefined || inputTokens === null) return;
    const used = inputTokens + (outputTokens ?? 0);
    const ratio = bytesPerToken(bytes, inputTokens);
    const rest = contexts.filter(({ tokens }) => used <= tokens);
    for (const one of rest) if (isFor(one, key)) addRatio(one.ratios, key, ratio);
    if (rest.length === 0) this.#contexts.delete(name);
    else this.#contexts.set(name, rest);
  }
}

/** What an answer has used. */
export interface Counted {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Of the request, without media. */
  readonly bytes: number;
}

function isFor({ key: owner }: Context, key: string): boolean {
  return owner === null || owner === key;
}

function newest(contexts: readonly Context[]): Context | null {
  return contexts.reduce<Context | null>(
    (last, one) => (last === null || one.untilMs >= last.untilMs ? one : last),
    null,
  );
}

function addRatio(ratios: Map<string, number>, key: string, ratio: number | null): void {
  if (ratio === null) return;
  ratios.delete(key);
  ratios.set(key, ratio);
  const [oldest] = ratios.keys();
  if (ratios.size > MAX_KEYS_OF_MODEL && oldest !== undefined) ratios.delete(oldest);
}

/** null: no prompt has such a number of tokens. */
function bytesPerToken(bytes: number, tokens: number): number | null {
  const ratio = bytes / tokens;
  return ratio >= LEAST_BYTES_PER_TOKEN && ratio <= MOST_BYTES_PER_TOKEN ? ratio : null;
}

function nameOf({ name, baseUrl }: Taught, model: string): string {
  return `${name} ${baseUrl} ${model}`;
}
