/**
 * Turns one client's request into requests for upstreams of other dialects. A request has one translator: the
 * body is decoded once, and encoded once for each target.
 */
import { setImmediate } from "node:timers/promises";
import type { Principal } from "../auth/keys.ts";
import { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { ByteRoom } from "../core/memory-budget.ts";
import type { Codec, DecodedRequest, EncodedRequest, EncodeRequestOptions } from "../dialects/codec.ts";
import { codecOf, loadCodecs } from "../dialects/codecs.ts";
import type { DialectName, Framing } from "../dialects/dialect.ts";
import type { EmbeddingRequest } from "../dialects/embedding-codec.ts";
import type { Route } from "../dialects/endpoint.ts";
import { hasKind, type Repairs, repairsIn } from "../dialects/repair.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { type Amendment, amendRequest } from "../neutral/amendment.ts";
import type { ReasoningView } from "../neutral/answer/reasoning-view.ts";
import { checkCeilings } from "../neutral/ceilings.ts";
import type { Drop, ModelRequest } from "../neutral/request.ts";
import type { Snapshot, UpstreamView } from "../snapshot.ts";
import type { MediaFetch } from "../transport/media-fetch.ts";
import { parseRequestObject } from "../wire/json.ts";
import { turnBefore } from "./call-mark.ts";
import { boundDrops, strictRefusal, UNSEALED } from "./drops.ts";
import { type DecodedEmbedding, decodeEmbedding, encodeEmbedding, SAME_NAMES } from "./embedding.ts";
import { firstToCarry } from "./first-to-carry.ts";
import { MediaInliner } from "./media-inliner.ts";
import { heededBy, repairEncoded, repairedTraits } from "./repaired.ts";
import type { SealMemory } from "./seal-memory.ts";
import { type Draft, type TranslatedRequest, writeBody } from "./translated-request.ts";

/** A body beyond this size is decoded and encoded in steps, with other requests served between the steps. */
const LARGE_BODY_BYTES = 256 * 1024;

/** The gateway compares each character of an answer with each watched stop sequence. */
const MAX_WATCHED_STOPS = 64;
/** While an answer may be at the beginning of a sequence, as much of it is held back and copied with each piece. */
const MAX_STOP_CHARS = 1_024;

const NO_NAMES = {};

/** The part of an exchange that translation reads. */
export interface TranslatedExchange {
  readonly id: string;
  readonly atMs: number;
  readonly route: Route;
  readonly client: ClientRequest;
  readonly principal: Principal;
  readonly modelAsked: string | null;
  readonly amendment: Amendment | null;
  /** Refuse a request rather than drop a part of it. */
  readonly isStrict: boolean;
  /** The form in which the client wants its answer. */
  readonly clientFraming: Framing;
  /** Where files that are fetched for the request are counted; absent: none is fetched. */
  readonly memory?: ByteRoom;
}

/** A request to translate, with the parts of the gateway that translation uses. */
export interface TranslationSource {
  readonly gateway: {
    readonly snapshot: Snapshot;
    readonly memory: SealMemory;
    readonly fetchMedia: MediaFetch;
  };
  readonly exchange: TranslatedExchange;
  readonly body: Uint8Array | null;
}

/** The target of a translation. */
export interface TranslationTarget {
  readonly upstream: UpstreamView;
  readonly model: string;
  /** In the order of preference; at least one. The first that carries the request is taken. */
  readonly dialects: readonly [DialectName, ...DialectName[]];
  readonly repairs: Repairs;
}

/** The target, and the dialect that the request is encoded in. */
interface SpokenTarget extends Omit<TranslationTarget, "dialects"> {
  readonly dialect: DialectName;
}

export class RequestTranslator {
  readonly #source: TranslationSource;
  #decoded: DecodedRequest | null = null;
  #replyContext: unknown = undefined;
  #reasoningView: ReasoningView = "shown";
  #media: MediaInliner | null = null;
  #vectors: DecodedEmbedding | null = null;

  constructor(source: TranslationSource) {
    this.#source = source;
  }

  /** The client's request in the neutral language. Throws `bad_request` or `not_translatable`. */
  async decode(): Promise<ModelRequest> {
    await loadCodecs(this.#dialect, []);
    const { request } = this.#decoded ?? (await this.#decodeInSteps());
    return request;
  }

  /**
   * The request for one target; a promise only for a large body, when the gateway fetches files for it, or for the first
   * request between two dialects.
   * Throws `not_translatable` when the target must not lose a part that it cannot take, or when the key or
   * model is strict and any part would be lost.
   */
  encode(target: TranslationTarget): TranslatedRequest | Promise<TranslatedRequest> {
    const loading = loadCodecs(this.#dialect, target.dialects);
    if (loading !== null) return loading.then(() => this.encode(target));
    if (this.#source.exchange.route.purpose === "embed") return this.#encodeVectors(target);
    if (this.#decoded === null && this.#isLarge)
      return this.#decodeInSteps().then((decoded) => this.#encodeBest(decoded, target));
    return this.#encodeBest(this.#decoded ?? this.#decodeAtOnce(), target);
  }

  #encodeBest(
    decoded: DecodedRequest,
    target: TranslationTarget,
  ): TranslatedRequest | Promise<TranslatedRequest> {
    const { dialects, ...rest } = target;
    if (dialects.length === 1) return this.#encodeTo(decoded, { ...rest, dialect: dialects[0] });
    const outgrown = dialects.filter((dialect) => this.#outgrows(decoded, { ...rest, dialect }));
    const ordered = [...dialects.filter((dialect) => !outgrown.includes(dialect)), ...outgrown];
    return firstToCarry(ordered.map((dialect) => () => this.#encodeTo(decoded, { ...rest, dialect })));
  }

  /** Whether the dialect would lose a part of the request without a word. */
  #outgrows({ request }: DecodedRequest, { dialect, upstream, model }: SpokenTarget): boolean {
    const { gateway, exchange } = this.#source;
    const traits = gateway.snapshot.modelTraits.traitsOf(upstream, dialect, model);
    const amended = exchange.amendment === null ? request : amendRequest(request, exchange.amendment);
    return codecOf(dialect).outgrows?.(amended, traits) === true;
  }

  #encodeTo(decoded: DecodedRequest, target: SpokenTarget): TranslatedRequest | Promise<TranslatedRequest> {
    if (this.#isLarge) return this.#encodeInSteps(decoded, target);
    const reachable = this.#withFiles(this.#restored(decoded, target), target);
    if (reachable instanceof Promise) return reachable.then((request) => this.#encoded(request, target));
    return this.#encoded(reachable, target);
  }

  /**
   * The client's own dialect on both sides, for a reply that comes in another form than the client asked for.
   * null: only the client's own provider can read the request.
   */
  async sameDialect(): Promise<TranslatedRequest | null> {
    await loadCodecs(this.#dialect, []);
    try {
      if (this.#decoded === null) await this.#decodeInSteps();
    } catch (cause) {
      if (cause instanceof GatewayError) return null;
      throw cause;
    }
    // As a relay does, this shows whatever the client's own provider gives.
    this.#reasoningView = "shown";
    const encoded = { path: "", headers: [], names: SAME_NAMES, watchedStops: [] };
    const body = this.#source.body ?? new Uint8Array(0);
    return {
      dialect: this.#dialect,
      codec: this.#client,
      encoded,
      body,
      dropped: [],
      repaired: [],
      purpose: "answer",
      isStream: false,
      searches: false,
    };
  }

  /**
   * What the reply's encoder has to know of the request; undefined: the request was not decoded, or has
   * nothing to say.
   */
  get replyContext(): unknown {
    return this.#replyContext;
  }

  /** The turn that is answered, as `turnBefore` gives it. Known until the body is let go. */
  get answeredTurn(): string {
    const messages = this.#decoded?.request.messages ?? [];
    return turnBefore(messages, messages.length);
  }

  /** How much of the answer's reasoning the client sees. */
  get reasoningView(): ReasoningView {
    return this.#reasoningView;
  }

  /** What the client asked for, of a request for vectors; null: it was not translated. */
  get vectorsAsked(): EmbeddingRequest | null {
    return this.#vectors?.request ?? null;
  }

  #encodeVectors({ dialects, upstream, model }: TranslationTarget): TranslatedRequest {
    const { route, isStrict } = this.#source.exchange;
    this.#vectors ??= decodeEmbedding(route, this.#parsed());
    return encodeEmbedding(dialects[0], this.#vectors, { model, profile: upstream.profile, isStrict });
  }

  /** Nothing will be decoded or encoded any more. */
  letGoOfBody(): void {
    this.#decoded = null;
    this.#media = null;
  }

  async #encodeInSteps(decoded: DecodedRequest, target: SpokenTarget): Promise<TranslatedRequest> {
    const reachable = await this.#withFiles(this.#restored(decoded, target), target);
    await setImmediate();
    const draft = this.#drafted(reachable, target);
    await setImmediate();
    const written = writeBody(draft);
    await setImmediate();
    return written;
  }

  /**
   * The decoded request with the operator's amendment, and with the sealed reasoning that the client could
   * not carry.
   */
  #restored({ request }: DecodedRequest, { dialect }: SpokenTarget): ModelRequest {
    const { gateway, exchange } = this.#source;
    const amended = exchange.amendment === null ? request : amendRequest(request, exchange.amendment);
    return gateway.memory.restore(exchange.principal.name, amended, codecOf(dialect).maker);
  }

  #withFiles(
    request: ModelRequest,
    { dialect, upstream }: SpokenTarget,
  ): ModelRequest | Promise<ModelRequest> {
    const { gateway, exchange } = this.#source;
    if (!gateway.snapshot.config.media.fetch) return request;
    const { client, principal, memory = null } = exchange;
    this.#media ??= new MediaInliner(gateway, client, { key: principal.name, room: memory });
    return this.#media.inline(request, codecOf(dialect).takesUrls(upstream.profile));
  }

  #encoded(request: ModelRequest, target: SpokenTarget): TranslatedRequest {
    return writeBody(this.#drafted(request, target));
  }

  /** The request but for the text of its body. */
  #drafted(request: ModelRequest, target: SpokenTarget): Draft {
    const { gateway, exchange } = this.#source;
    const { upstream, model, dialect } = target;
    const repairs = target.repairs.length === 0 ? target.repairs : repairsIn(dialect, target.repairs);
    const codec = codecOf(dialect);
    const traits = gateway.snapshot.modelTraits.traitsOf(upstream, dialect, model);
    const purpose: "answer" | "count" = exchange.route.purpose === "count" ? "count" : "answer";
    const options = {
      model,
      traits: repairedTraits(traits, repairs),
      profile: upstream.profile,
      repairs: heededBy(repairs),
      purpose,
    };
    const encoded = this.#encodedBy(codec, request, options);
    const { path, headers, names, watchedStops } = encoded;
    this.#checkStops(watchedStops);
    const edited = repairEncoded(encoded, { dialect, repairs, sampling: request.sampling }, (parameter) =>
      this.#fieldName(parameter),
    );
    const lost = boundDrops(this.#allDrops(edited.dropped));
    if (lost.length > 0 && exchange.isStrict) throw strictRefusal(lost);
    const searches = request.tools.some(({ kind }) => kind === "web-search");
    const dropped = hasKind(repairs, "without-seals") ? [...lost, UNSEALED] : lost;
    const isStream = request.stream && purpose === "answer";
    return {
      dialect,
      codec,
      encoded: { path, headers, names, watchedStops },
      body: edited.body,
      dropped,
      repaired: edited.repaired,
      purpose,
      isStream,
      searches,
    };
  }

  #decodeAtOnce(): DecodedRequest {
    return this.#decode(this.#parsed());
  }

  async #decodeInSteps(): Promise<DecodedRequest> {
    if (this.#isLarge) await setImmediate();
    const body = this.#parsed();
    if (this.#isLarge) await setImmediate();
    const decoded = this.#decode(body);
    if (this.#isLarge) await setImmediate();
    return decoded;
  }

  #parsed(): JsonObject {
    const bytes = this.#source.body ?? new Uint8Array(0);
    const { bodyLimitBytes } = this.#source.gateway.snapshot.config.translation;
    if (bytes.byteLength > bodyLimitBytes) {
      throw new GatewayError(
        "not_translatable",
        `the request is over ${bodyLimitBytes} bytes, the most that are translated for a model of another provider; send less, or raise translation.body_limit_bytes`,
      );
    }
    return parseRequest(bytes);
  }

  #decode(body: JsonObject): DecodedRequest {
    const { exchange } = this.#source;
    const decoded = this.#client.decodeRequest(body, {
      model: exchange.modelAsked ?? "",
      stream: exchange.route.isStream,
    });
    checkCeilings(decoded.request);
    this.#decoded = decoded;
    this.#replyContext = decoded.replyContext;
    this.#reasoningView = this.#viewOf(decoded.request);
    return decoded;
  }

  #viewOf(request: ModelRequest): ReasoningView {
    const { amendment } = this.#source.exchange;
    const { reasoning } = amendment === null ? request : amendRequest(request, amendment);
    if (reasoning?.effort === "none") return "hidden";
    const { showsReasoning, carriesSeals } = this.#client;
    if (reasoning?.isShown ?? showsReasoning) return "shown";
    return carriesSeals ? "sealed" : "hidden";
  }

  #checkStops(watched: readonly string[]): void {
    const isFew = watched.length <= MAX_WATCHED_STOPS;
    if (isFew && watched.every(({ length }) => length <= MAX_STOP_CHARS)) return;
    throw new GatewayError(
      "not_translatable",
      `the model's provider takes no such stop sequences, and the gateway watches for at most ${MAX_WATCHED_STOPS}, of ${MAX_STOP_CHARS} characters each; send fewer, or shorter ones`,
      { param: this.#fieldName("stop") ?? "stop" },
    );
  }

  /** The client's own. */
  get #dialect(): DialectName {
    return this.#source.exchange.route.dialect;
  }

  get #client(): Codec {
    return codecOf(this.#dialect);
  }

  get #isLarge(): boolean {
    return (this.#source.body?.byteLength ?? 0) > LARGE_BODY_BYTES;
  }

  /** Names a parameter at fault as the client does. */
  #encodedBy(codec: Codec, request: ModelRequest, options: EncodeRequestOptions): EncodedRequest {
    try {
      return codec.encodeRequest(request, options);
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

  /** What the client's codec left out and what the upstream's did, by the client's names. */
  #allDrops(dropped: readonly Drop[]): readonly Drop[] {
    const known = this.#decoded?.dropped ?? [];
    if (dropped.length === 0) return known;
    const all = [...known];
    for (const { field, reason } of dropped) {
      const name = this.#fieldName(field);
      if (name !== null) all.push({ field: name, reason });
    }
    return all;
  }

  /**
   * The client's name of a neutral field; null: the client's dialect has no such field, so the client cannot
   * miss it.
   */
  #fieldName(field: string): string | null {
    const named: Readonly<Record<string, string>> = this.#decoded?.named ?? NO_NAMES;
    if (Object.hasOwn(named, field)) return named[field] as string;
    const names: Readonly<Record<string, string | null>> = this.#client.fieldNames;
    return Object.hasOwn(names, field) ? (names[field] as string | null) : field;
  }
}

function parseRequest(bytes: Uint8Array): JsonObject {
  const body = parseRequestObject(bytes);
  if (body === null) throw new GatewayError("bad_request", "the body is not a JSON object; send one");
  return body;
}
