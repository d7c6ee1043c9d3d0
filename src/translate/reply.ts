/**
 * Turns the replies to translated requests into the form that the client reads. A request has one reply
 * translator.
 */
import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Pieces } from "../core/turns.ts";
import type { Codec } from "../dialects/codec.ts";
import { codecOf } from "../dialects/codecs.ts";
import type { Framing } from "../dialects/dialect.ts";
import type { EmbeddingReply } from "../dialects/embedding-codec.ts";
import { CallCheck } from "../neutral/answer/malformed.ts";
import { partsInView, ReasoningVeil } from "../neutral/answer/reasoning-view.ts";
import { CallRestorer } from "../neutral/answer/restore.ts";
import { StopWatch } from "../neutral/answer/stop-watch.ts";
import { checkCitations } from "../neutral/ceilings.ts";
import type { ModelEvent, ModelReply, PartialReply, Stop } from "../neutral/event.ts";
import { Folder, unfold } from "../neutral/fold.ts";
import type { Drop } from "../neutral/request.ts";
import { parseJsonObject } from "../wire/json.ts";
import { Continuations, holdsContent, isPause, PartFolder } from "./continuation.ts";
import { readEmbedding, writeEmbedding } from "./embedding.ts";
import type { RequestTranslator, TranslationSource } from "./request.ts";
import { type Continuation, StreamTranslation } from "./stream.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/**
 * Gemini resumes by a token, so the request that continues its answer holds none of the parts already
 * received.
 */
const NOTHING_SAID = { id: null, model: null, parts: [], usage: null } as const;

/** The request whose replies are translated. */
export interface TranslationOwner {
  /** The answer has a part for which the client's form of answers has no place. */
  loses(drop: Drop): void;
  /** About how many tokens the prompt has; null: nobody knows. Read only where the upstream has not said it. */
  readonly promptTokens: number | null;
}

export class ReplyTranslator {
  readonly #source: TranslationSource;
  readonly #request: RequestTranslator;
  readonly #owner: TranslationOwner;
  readonly #continuations = new Continuations();

  constructor(source: TranslationSource, request: RequestTranslator, owner: TranslationOwner) {
    this.#source = source;
    this.#owner = owner;
    this.#request = request;
  }

  /** A tap that reads the streamed reply to `first` and writes the client's stream. */
  stream(
    first: TranslatedRequest,
    framing: Framing,
    errorOf: (raw: string | null, message: string) => GatewayError,
  ): StreamTranslation {
    const { encoded, codec } = first;
    const mayPause = codec.pauses === "anytime" || (codec.pauses === "searching" && first.searches);
    const remember = this.#observer(codec);
    const { replyLimitBytes } = this.#source.gateway.snapshot.config.server;
    const folder = mayPause && first.searches ? new PartFolder(replyLimitBytes) : null;
    const observer = (event: ModelEvent): void => {
      remember?.(event);
      folder?.add(event);
    };
    // A request that will not be sent again is not kept through its answer.
    let current = mayPause ? first : null;
    const continuation = (stop: Stop, hasSaidAny: boolean): Continuation | null => {
      if (current === null) return null;
      const said = folder === null ? { ...NOTHING_SAID, stop } : folder.take(stop);
      const request = said === null ? null : this.#continuations.next(current, said, hasSaidAny);
      if (request === null) return null;
      current = request;
      return { request, decoder: codec.makeStreamDecoder("sse", this.#decodeOptions()) };
    };
    return new StreamTranslation({
      decoder: codec.makeStreamDecoder(framing, this.#decodeOptions()),
      encoder: this.#client.makeStreamEncoder(this.#encodeOptions()),
      restorer: new CallRestorer(encoded.names),
      veil: this.#veil(),
      stopWatch: encoded.watchedStops.length === 0 ? null : new StopWatch(encoded.watchedStops),
      observer: folder === null && remember === null ? null : observer,
      errorOf,
      continuation,
      onCut: (tool) => this.#noteCut(tool),
      requestId: this.#source.exchange.id,
      maxContentBytes: replyLimitBytes,
      keepsAnswer: folder !== null,
    });
  }

  /**
   * A whole reply, whatever its framing, as the client is to see it; a reply without sense is a failure and
   * nothing else.
   */
  readWhole(request: TranslatedRequest, framing: Framing, bytes: Uint8Array): PartialReply {
    try {
      return framing === "json"
        ? this.#readBody(request, parseReply(bytes))
        : this.#readEvents(request, framing, bytes);
    } catch (cause) {
      return failedReply(cause);
    }
  }

  /** As `readWhole`, with other requests served between the steps. */
  async readInSteps(request: TranslatedRequest, framing: Framing, bytes: Uint8Array): Promise<PartialReply> {
    await setImmediate();
    try {
      if (framing !== "json") return this.#readEvents(request, framing, bytes);
      const body = parseReply(bytes);
      await setImmediate();
      return this.#readBody(request, body);
    } catch (cause) {
      return failedReply(cause);
    }
  }

  /** The request that continues a paused reply that `readWhole` has read; null: the reply has ended. */
  continue(request: TranslatedRequest, part: PartialReply): TranslatedRequest | null {
    const { stop } = part;
    if (stop === null || !isPause(stop)) return null;
    return this.#continuations.next(request, { ...part, stop }, holdsContent(part));
  }

  /** The client's JSON or stream for a whole answer. */
  writeWhole(answer: ModelReply, framing: Framing): string {
    const options = this.#encodeOptions();
    const parts = partsInView(this.#request.reasoningView, answer.parts);
    const reply = parts === answer.parts ? answer : { ...answer, parts };
    if (framing === "json") return this.#client.encodeReply(reply, options);
    const encoder = this.#client.makeStreamEncoder(options);
    return unfold(reply)
      .map((event) => encoder.encode(event))
      .join("");
  }

  /** The number of tokens in a counting endpoint's reply; null: the reply names none. */
  readCount({ codec }: TranslatedRequest, bytes: Uint8Array): number | null {
    try {
      return codec.decodeCount(parseReply(bytes));
    } catch (cause) {
      if (cause instanceof GatewayError) return null;
      throw cause;
    }
  }

  /** A count of input tokens in the client's form. */
  writeCount(inputTokens: number): string {
    return this.#client.encodeCount(inputTokens) ?? JSON.stringify({ input_tokens: inputTokens });
  }

  /** The vectors in a whole reply. Throws `upstream_garbage`. */
  readVectors({ dialect }: TranslatedRequest, bytes: Uint8Array): Pieces<EmbeddingReply> {
    return readEmbedding(dialect, bytes, this.#request.vectorsAsked?.texts.length ?? 0);
  }

  /** Vectors in the client's form. */
  writeVectors(reply: EmbeddingReply): string {
    const { route, modelAsked } = this.#source.exchange;
    const encoding = this.#request.vectorsAsked?.encoding ?? "float";
    return writeEmbedding(route, reply, { model: modelAsked ?? "", encoding });
  }

  #readBody(request: TranslatedRequest, body: JsonObject): PartialReply {
    const reply = request.codec.decodeReply(body, this.#decodeOptions());
    checkCitations(citationsIn(reply));
    if (isSeenAsItIs(request, reply)) return { ...reply, failure: null };
    return this.#seen(request, unfold(reply));
  }

  #readEvents(request: TranslatedRequest, framing: Framing, bytes: Uint8Array): PartialReply {
    const raw: ModelEvent[] = [];
    const emit = (event: ModelEvent): void => void raw.push(event);
    const decoder = request.codec.makeStreamDecoder(framing, this.#decodeOptions());
    decoder.push(bytes, emit);
    decoder.end(emit);
    checkCitations(raw.reduce((count, { type }) => (type === "annotation" ? count + 1 : count), 0));
    return this.#seen(request, raw);
  }

  #seen(request: TranslatedRequest, raw: readonly ModelEvent[]): PartialReply {
    const { names, watchedStops } = request.encoded;
    const restorer = new CallRestorer(names);
    const watch = watchedStops.length === 0 ? null : new StopWatch(watchedStops);
    const observer = this.#observer(request.codec);
    const folder = new Folder();
    // The provider bills its whole answer, also when a stop sequence ends the client's answer earlier.
    const usage = raw.findLast((event) => event.type === "usage");
    let isOver = false;
    const note = (event: ModelEvent): void => {
      observer?.(event);
      folder.add(event);
    };
    const check = new CallCheck();
    const see = (event: ModelEvent): void => check.push(event, seeChecked);
    const seeChecked = (event: ModelEvent): void => {
      if (isOver) return;
      if (event.type === "end" || event.type === "fail") {
        isOver = true;
        if (usage !== undefined) note(usage);
      }
      note(event);
    };
    for (const event of raw) {
      if (event.type === "usage") continue;
      restorer.push(event, (restored) => {
        if (watch === null) see(restored);
        else watch.push(restored, see);
      });
    }
    if (check.cutTool !== null) this.#noteCut(check.cutTool);
    return folder.answer();
  }

  /** The answer ended inside a call of the tool. */
  #noteCut(tool: string): void {
    const { clientFraming } = this.#source.exchange;
    const { keepsCutCalls } = this.#client;
    if (keepsCutCalls === "always") return;
    if (keepsCutCalls === "streamed" && clientFraming !== "json") return;
    this.#owner.loses({
      field: "tool_call",
      reason: `the answer ended inside a call of the tool "${tool}", whose unfinished arguments are left out`,
    });
  }

  /** Remembers sealed reasoning for a client that cannot carry it, or does not see it; null: the client carries it. */
  #observer(codec: Codec): ((event: ModelEvent) => void) | null {
    const { gateway, exchange } = this.#source;
    const carries = this.#client.carriesSeals && this.#request.reasoningView === "shown";
    if (carries) return null;
    return gateway.memory.recorder(exchange.principal.name, codec.maker, this.#request.answeredTurn);
  }

  /** null: the client sees the whole answer. */
  #veil(): ReasoningVeil | null {
    const { reasoningView } = this.#request;
    return reasoningView === "shown" ? null : new ReasoningVeil(reasoningView);
  }

  /** Of the client's dialect: it was loaded for the request. */
  get #client(): Codec {
    return codecOf(this.#source.exchange.route.dialect);
  }

  #decodeOptions() {
    const { gateway, exchange } = this.#source;
    const { count } = this.#continuations;
    return {
      idSeed: `${exchange.id}${count === 0 ? "" : count}`,
      maxFrameBytes: gateway.snapshot.config.server.replyLimitBytes,
    };
  }

  #encodeOptions() {
    const { id, atMs, modelAsked, clientFraming } = this.#source.exchange;
    return {
      framing: clientFraming,
      idSeed: id,
      model: modelAsked ?? "",
      createdAtS: Math.floor(atMs / 1_000),
      replyContext: this.#request.replyContext,
      promptTokens: () => this.#owner.promptTokens,
    };
  }
}

/**
 * Whether the client sees the provider's reply unchanged: there is no call to restore (or whose seals are to
 * be remembered), and no stop sequence to watch for.
 */
function isSeenAsItIs({ encoded }: TranslatedRequest, { parts }: ModelReply): boolean {
  return encoded.watchedStops.length === 0 && !parts.some(({ type }) => type === "tool-call");
}

/** What is left of a reply without sense. */
function failedReply(cause: unknown): PartialReply {
  if (!(cause instanceof GatewayError)) throw cause;
  const failure = { type: "fail", raw: cause.detail ?? null, message: cause.message } as const;
  return { id: null, model: null, parts: [], usage: null, stop: null, failure };
}

function citationsIn({ parts }: ModelReply): number {
  let count = 0;
  for (const part of parts) if (part.type === "text") count += part.annotations?.length ?? 0;
  return count;
}

function parseReply(bytes: Uint8Array): JsonObject {
  const body = parseJsonObject(bytes);
  if (body === null) throw new GatewayError("upstream_garbage", "the upstream's reply is not a JSON object");
  return body;
}
