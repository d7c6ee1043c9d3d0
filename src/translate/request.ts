/**
 * Turns one client's request into requests for upstreams of other dialects, and their replies into what the client reads. One for
 * each request that needs it; the body is decoded once, and encoded once for each target.
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../core/errors.ts";
import type { Codec, DecodedRequest, Repairs } from "../dialects/codec.ts";
import { CODECS } from "../dialects/codecs.ts";
import type { DialectName, Framing } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import { amendRequest } from "../neutral/amendment.ts";
import { CallRestorer } from "../neutral/answer/restore.ts";
import { StopWatch } from "../neutral/answer/stop-watch.ts";
import type { ModelEvent } from "../neutral/event.ts";
import { fold, unfold } from "../neutral/fold.ts";
import type { Drop, JsonObject, ModelRequest } from "../neutral/request.ts";
import type { ToolNames } from "../neutral/tools/tool-names.ts";
import type { Exchange } from "../proxy/exchange.ts";
import type { Gateway } from "../proxy/gateway.ts";
import type { UpstreamView } from "../snapshot.ts";
import { parseJsonObject } from "../wire/json.ts";
import { Hops, hasSaid, isPause, PartFolder } from "./continuation.ts";
import { boundDrops, UNSEALED } from "./drops.ts";
import { MediaInliner } from "./media-inliner.ts";
import { Translation } from "./stream.ts";
import type { TranslatedRequest } from "./translated-request.ts";

/** A body beyond this is decoded and encoded in steps, with others served between them. */
const LARGE_BODY_BYTES = 256 * 1024;

/** Each is looked for in each character of the answer. */
const MAX_WATCHED_STOPS = 64;

/** What goes on with a token instead of what was said needs none of it. */
const NOTHING_SAID = { id: null, model: null, parts: [], usage: null } as const;

const SAME_NAMES: ToolNames = { wireName: ({ name }) => name, original: () => null };

/** What translation needs of an exchange. */
export type TranslatedExchange = Pick<
  Exchange,
  "id" | "atMs" | "route" | "client" | "principal" | "modelAsked" | "amendment" | "isStrict"
>;

export interface TranslatorInput {
  readonly gateway: Pick<Gateway, "snapshot" | "memory" | "fetchMedia">;
  readonly exchange: TranslatedExchange;
  readonly body: Uint8Array | null;
}

export class Translator {
  readonly #gateway: TranslatorInput["gateway"];
  readonly #exchange: TranslatedExchange;
  readonly #body: Uint8Array | null;
  readonly #client: Codec;
  #decoded: DecodedRequest | null = null;
  #media: MediaInliner | null = null;
  readonly #hops = new Hops();

  constructor({ gateway, exchange, body }: TranslatorInput) {
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.#body = body;
    this.#client = CODECS[exchange.route.dialect];
  }

  /** What the client asks for. Throws `bad_request` or `not_translatable`. */
  async decode(): Promise<ModelRequest> {
    const { request } = this.#decoded ?? (await this.#decode());
    return request;
  }

  /**
   * The request for one target. Throws `not_translatable` when the target must not lose what it cannot take, or anything would be lost
   * and the key or model is strict.
   */
  async encode(
    upstream: UpstreamView,
    model: string,
    dialect: DialectName,
    repairs: Repairs,
  ): Promise<TranslatedRequest> {
    const { request, dropped } =
      this.#decoded ?? (this.#isLarge ? await this.#decode() : this.#decodeAtOnce());
    const codec = CODECS[dialect];
    const traits = this.#gateway.snapshot.knowledge.traitsOf(upstream.family.name, dialect, model);
    const exchange = this.#exchange;
    const amended = exchange.amendment === null ? request : amendRequest(request, exchange.amendment);
    const remembered = this.#gateway.memory.restore(exchange.principal.name, amended, codec.maker);
    const reachable = this.#gateway.snapshot.config.media.fetch
      ? await this.#inlined(remembered, codec)
      : remembered;
    if (this.#isLarge) await setImmediate();
    const purpose = exchange.route.purpose ?? "answer";
    const options = { model, traits, profile: upstream.profile, repairs, purpose };
    const encoded = this.#named(() => codec.encodeRequest(reachable, options));
    this.#checkStops(encoded.watchedStops);
    if (this.#isLarge) await setImmediate();
    const lost = boundDrops([...dropped, ...this.#inClientTerms(encoded.dropped)]);
    if (lost.length > 0 && exchange.isStrict) throw strictRefusal(lost);
    const body = Buffer.from(JSON.stringify(encoded.body), "utf8");
    const searches = reachable.tools.some(({ kind }) => kind === "web-search");
    const named = repairs.withoutSeals ? [...lost, UNSEALED] : lost;
    return { dialect, codec, encoded, body, dropped: named, purpose, searches };
  }

  /**
   * The client's own dialect on both sides, for a reply that comes in another form than it was asked for. null: the request holds what
   * only its own provider can read.
   */
  async sameDialect(): Promise<TranslatedRequest | null> {
    try {
      await this.#decode();
    } catch (cause) {
      if (cause instanceof GatewayError) return null;
      throw cause;
    }
    const encoded = { path: "", body: {}, headers: [], dropped: [], names: SAME_NAMES, watchedStops: [] };
    const body = this.#body ?? new Uint8Array(0);
    const { dialect } = this.#exchange.route;
    return { dialect, codec: this.#client, encoded, body, dropped: [], purpose: "answer", searches: false };
  }

  /** How the client wants its answer. */
  framing(): Framing {
    const { route, client } = this.#exchange;
    const isStream = route.isStream || this.#decoded?.request.stream === true;
    return isStream ? DIALECTS[route.dialect].streamFraming(client.search) : "json";
  }

  /** The tap that reads a streamed reply and writes the client's; `goOn` gets the request that follows a pause. */
  makeTranslation(
    translated: TranslatedRequest,
    framing: Framing,
    errorOf: (raw: string | null, message: string) => GatewayError,
    goOn: (next: TranslatedRequest) => void,
  ): Translation {
    const { encoded, codec } = translated;
    const remember = this.#observer(codec);
    const { replyLimitBytes } = this.#gateway.snapshot.config.server;
    const folder = translated.searches ? new PartFolder(replyLimitBytes) : null;
    let current = translated;
    const observer = (event: ModelEvent): void => {
      remember?.(event);
      folder?.add(event);
    };
    return new Translation({
      decoder: codec.makeStreamDecoder(framing, this.#decodeOptions()),
      encoder: this.#client.makeStreamEncoder(this.#encodeOptions()),
      restorer: new CallRestorer(encoded.names),
      stopWatch: encoded.watchedStops.length === 0 ? null : new StopWatch(encoded.watchedStops),
      observer: folder === null && remember === null ? null : observer,
      errorOf,
      nextHop: (stop, hasSaid) => {
        const said = folder === null ? { ...NOTHING_SAID, stop } : folder.take(stop);
        const next = said === null ? null : this.#hops.goOn(current, said, hasSaid);
        if (next === null) return null;
        current = next;
        goOn(next);
        return codec.makeStreamDecoder("sse", this.#decodeOptions());
      },
      requestId: this.#exchange.id,
    });
  }

  /** A whole reply, whatever its framing, as the events that the client is to see; one that makes no sense ends with `fail`. */
  readWhole(translated: TranslatedRequest, framing: Framing, bytes: Uint8Array): ModelEvent[] {
    try {
      return this.#seen(translated, this.#rawEvents(translated, framing, bytes));
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      return [{ type: "fail", raw: cause.detail ?? null, message: cause.message }];
    }
  }

  #rawEvents({ codec }: TranslatedRequest, framing: Framing, bytes: Uint8Array): ModelEvent[] {
    if (framing === "json") return unfold(codec.decodeReply(parseReply(bytes), this.#decodeOptions()));
    const raw: ModelEvent[] = [];
    const decoder = codec.makeStreamDecoder(framing, this.#decodeOptions());
    decoder.push(bytes, (event) => raw.push(event));
    decoder.end((event) => raw.push(event));
    return raw;
  }

  /** See `readWhole`: the request that goes on behind a paused reply; null: it has ended. */
  goOn(translated: TranslatedRequest, events: readonly ModelEvent[]): TranslatedRequest | null {
    const last = events.at(-1);
    if (last?.type !== "end" || !isPause(last.stop)) return null;
    return this.#hops.goOn(translated, fold(events), events.some(hasSaid));
  }

  /** The client's JSON or stream for a whole answer. */
  writeWhole(events: readonly ModelEvent[], framing: Framing): string {
    const options = this.#encodeOptions();
    if (framing === "json") return this.#client.encodeReply(fold(events), options);
    const encoder = this.#client.makeStreamEncoder(options);
    return events.map((event) => encoder.encode(event)).join("");
  }

  /** What a counting endpoint's reply says; null: nothing that can be read. */
  readCount({ codec }: TranslatedRequest, bytes: Uint8Array): number | null {
    try {
      return codec.decodeCount(parseReply(bytes));
    } catch (cause) {
      if (cause instanceof GatewayError) return null;
      throw cause;
    }
  }

  /** The client's form of a count of input tokens. */
  writeCount(inputTokens: number): string {
    return this.#client.encodeCount(inputTokens) ?? JSON.stringify({ input_tokens: inputTokens });
  }

  #seen(translated: TranslatedRequest, raw: readonly ModelEvent[]): ModelEvent[] {
    const { names, watchedStops } = translated.encoded;
    const restorer = new CallRestorer(names);
    const watch = watchedStops.length === 0 ? null : new StopWatch(watchedStops);
    const observer = this.#observer(translated.codec);
    const seen: ModelEvent[] = [];
    // What the answer took is known, also of one that is cut at a stop sequence.
    const usage = raw.findLast((event) => event.type === "usage");
    let isOver = false;
    const see = (event: ModelEvent): void => {
      if (isOver) return;
      if (event.type === "end" || event.type === "fail") {
        isOver = true;
        if (usage !== undefined) note(usage);
      }
      note(event);
    };
    const note = (event: ModelEvent): void => {
      observer?.(event);
      seen.push(event);
    };
    for (const event of raw) {
      if (event.type === "usage") continue;
      restorer.push(event, (restored) => {
        if (watch === null) see(restored);
        else watch.push(restored, see);
      });
    }
    return seen;
  }

  /** Remembers what the client's dialect has no place for. */
  #observer(codec: Codec): ((event: ModelEvent) => void) | null {
    return this.#client.carriesSeals
      ? null
      : this.#gateway.memory.recorder(this.#exchange.principal.name, codec.maker);
  }

  #inlined(request: ModelRequest, codec: Codec): Promise<ModelRequest> {
    this.#media ??= new MediaInliner(this.#gateway, this.#exchange.client);
    return this.#media.inline(request, codec);
  }

  #decodeAtOnce(): DecodedRequest {
    return this.#decodeBody(parseRequest(this.#body ?? new Uint8Array(0)));
  }

  /** A large body is decoded in steps, with others served between them; nothing is awaited for a small one. */
  async #decode(): Promise<DecodedRequest> {
    if (this.#decoded !== null) return this.#decoded;
    const body = parseRequest(this.#body ?? new Uint8Array(0));
    if (this.#isLarge) await setImmediate();
    const decoded = this.#decodeBody(body);
    if (this.#isLarge) await setImmediate();
    return decoded;
  }

  #decodeBody(body: JsonObject): DecodedRequest {
    this.#decoded = this.#client.decodeRequest(body, {
      model: this.#exchange.modelAsked ?? "",
      stream: this.#exchange.route.isStream,
    });
    return this.#decoded;
  }

  #checkStops(watched: readonly string[]): void {
    if (watched.length <= MAX_WATCHED_STOPS) return;
    throw new GatewayError(
      "not_translatable",
      `the model's provider takes no such stop sequences, and the gateway watches for at most ${MAX_WATCHED_STOPS}; send fewer`,
      { param: this.#fieldName("stop") ?? "stop" },
    );
  }

  get #isLarge(): boolean {
    return (this.#body?.byteLength ?? 0) > LARGE_BODY_BYTES;
  }

  #decodeOptions() {
    return {
      idSeed: `${this.#exchange.id}${this.#hops.count === 0 ? "" : this.#hops.count}`,
      maxFrameBytes: this.#gateway.snapshot.config.server.replyLimitBytes,
    };
  }

  #encodeOptions() {
    const { id, atMs, modelAsked } = this.#exchange;
    return {
      framing: this.framing(),
      idSeed: id,
      model: modelAsked ?? "",
      createdAtS: Math.floor(atMs / 1_000),
      echo: this.#decoded?.echo,
    };
  }

  #named<T>(encode: () => T): T {
    try {
      return encode();
    } catch (cause) {
      if (cause instanceof GatewayError && cause.kind === "not_translatable" && cause.param !== undefined) {
        const { message, param, details } = cause;
        throw new GatewayError("not_translatable", message, {
          param: this.#fieldName(param) ?? param,
          ...(details === undefined ? {} : { details }),
        });
      }
      throw cause;
    }
  }

  #inClientTerms(dropped: readonly Drop[]): Drop[] {
    return dropped.flatMap(({ field, reason }) => {
      const name = this.#fieldName(field);
      return name === null ? [] : [{ field: name, reason }];
    });
  }

  /** null: the client has no such thing, so it cannot miss it. */
  #fieldName(field: string): string | null {
    const names: Readonly<Record<string, string | null>> = {
      ...this.#client.fieldNames,
      ...this.#decoded?.named,
    };
    return Object.hasOwn(names, field) ? (names[field] as string | null) : field;
  }
}

function strictRefusal(lost: readonly Drop[]): GatewayError {
  const list = lost.map(({ field, reason }) => `${field} (${reason})`).join("; ");
  return new GatewayError(
    "not_translatable",
    `the model's provider cannot take all of this request, and it must not lose anything ("strict"): ${list}`,
    { param: (lost[0] as Drop).field },
  );
}

function parseRequest(bytes: Uint8Array): JsonObject {
  const body = parseJsonObject(bytes);
  if (body === null) throw new GatewayError("bad_request", "the body is not a JSON object; send one");
  return body;
}

function parseReply(bytes: Uint8Array): JsonObject {
  const body = parseJsonObject(bytes);
  if (body === null) throw new GatewayError("upstream_garbage", "the upstream's reply is not a JSON object");
  return body;
}
