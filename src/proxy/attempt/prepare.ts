/**
 * Prepares a request for one target: as it is, changed where the operator or the upstream wants it, or
 * translated.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { atOnce, inTurns, type Pieces } from "../../core/turns.ts";
import type { Codec } from "../../dialects/codec.ts";
import { codecOf, loadCodecs } from "../../dialects/codecs.ts";
import type { DialectName, Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { peekRequest } from "../../dialects/peek.ts";
import { type Repair, type RepairRules, type Repairs, repairBody, repairsIn } from "../../dialects/repair.ts";
import type { Drop } from "../../neutral/request.ts";
import type { Target } from "../../plan/plan.ts";
import type { Snapshot, UpstreamView } from "../../snapshot.ts";
import { UNSEALED } from "../../translate/drops.ts";
import { embeddingDialect } from "../../translate/embedding.ts";
import type { RequestTranslator, TranslatedExchange, TranslationTarget } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import { knownRepairs } from "../../upstreams/refusals/known-repairs.ts";
import type { Answered } from "../../upstreams/refusals/learned-repairs.ts";
import { indexOfBytes } from "../../wire/bytes.ts";
import { parseRequestObject } from "../../wire/json.ts";
import { rewriteJson } from "../../wire/json-rewrite.ts";
import { droppedFromQuery } from "./query.ts";
import { betaDrops, refusedBetas } from "./refused-betas.ts";
import { asksForUsage } from "./upstream-request.ts";

/** A request that is ready for one target: bytes to relay, or a translation. */
export interface PreparedRequest {
  readonly target: Target;
  /** The dialect that the upstream is spoken to in. */
  readonly dialect: DialectName;
  /** The client's body, changed where the operator or the upstream wants it. */
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  /** null: the request is relayed. */
  readonly translated: TranslatedRequest | null;
  /** The gateway asks the stream for usage that the client did not ask for. */
  readonly isUsageAsked: boolean;
  /** Parts that the target does not get, by the client's names. */
  readonly dropped: readonly Drop[];
  /** Members of a relayed request that were changed because the upstream refuses them. */
  readonly changed: readonly Drop[];
  /** The repairs that the request should have, and those of them that changed it. */
  readonly repairs: Repairs;
  readonly repaired: readonly Answered[];
}

const NOTHING: readonly never[] = [];
/** A longer body is changed in pieces, with other requests served between them. */
const LARGE_BODY_BYTES = 256 * 1024;

/** The parts of a served request that are needed to prepare it. */
export interface Preparable {
  readonly gateway: { readonly snapshot: Snapshot };
  readonly exchange: TranslatedExchange;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  readonly translator: RequestTranslator;
}

/**
 * Whether the upstream speaks the client's dialect, or the request can be translated to one that it speaks.
 */
export function canServe({ dialect, purpose }: Route, upstream: UpstreamView, model: string): boolean {
  const { dialects, translatedTo } = upstream.spokenTo(model);
  if (dialects.has(dialect)) return true;
  return purpose === "embed" ? embeddingDialect(translatedTo) !== null : purpose !== null;
}

/** Whether the gateway itself counts tokens, for an upstream that has no endpoint for it. */
export function isCountedHere({ dialect, isBilled }: Route, upstream: UpstreamView, model: string): boolean {
  const { dialects, countDialect } = upstream.spokenTo(model);
  return !isBilled && !dialects.has(dialect) && countDialect === null;
}

/**
 * Makes the request ready for one target, before a credential is leased. The result is a promise only where
 * the translation is one, where a long body is changed, and for the first amendment of a dialect. Throws
 * `not_translatable` when the target cannot take the request, `bad_request`
 * when no target could.
 */
export function prepareRequest(
  request: Preparable,
  upstream: UpstreamView,
  target: Target,
  all: Repairs,
): PreparedRequest | Promise<PreparedRequest> {
  const { exchange, body, peek } = request;
  const dialects = dialectsToTranslateTo(request, upstream, target);
  if (dialects !== null) return translateRequest(request, upstream, target, dialects, all);
  const { dialect } = exchange.route;
  const repairs = repairsOf(request, upstream, target, all);
  const unpassed = droppedFromQuery(dialect, exchange.client.search, upstream.queryParameters);
  const isUsageAsked = asksForUsage(exchange.route, upstream, peek);
  if (body === null || (exchange.amendment === null && repairs.length === 0)) {
    return {
      target,
      dialect,
      body,
      peek,
      translated: null,
      isUsageAsked,
      dropped: unpassed,
      changed: NOTHING,
      repairs,
      repaired: NOTHING,
    };
  }
  const loading = exchange.amendment === null ? null : loadCodecs(dialect, NOTHING);
  if (loading !== null) return loading.then(() => prepareRequest(request, upstream, target, all));
  const finished = (changed: ChangedBody): PreparedRequest =>
    relayedChange(request, upstream, { target, repairs, body, unpassed }, changed);
  if (exchange.amendment === null && !mayConcern(dialect, body, repairs)) return finished(unchanged(body));
  const pieces = changeBody(request, upstream, target, repairs, body);
  return body.byteLength > LARGE_BODY_BYTES ? inTurns(pieces).then(finished) : finished(atOnce(pieces));
}

/** A request that is relayed with changes, or without those that it might have had. */
function relayedChange(
  { exchange, peek }: Preparable,
  upstream: UpstreamView,
  {
    target,
    repairs,
    body,
    unpassed,
  }: Pick<PreparedRequest, "target" | "repairs"> & {
    readonly body: Uint8Array;
    readonly unpassed: readonly Drop[];
  },
  { bytes, ...changes }: ChangedBody,
): PreparedRequest {
  const { dialect } = exchange.route;
  const changedPeek = bytes === body ? peek : peekRequest(dialect, bytes);
  const { usageOption } = DIALECTS[dialect];
  const refusedOption = repairs.find(
    ({ kind, member }) => kind === "without" && member === usageOption?.member,
  );
  const isInjected = asksForUsage(exchange.route, upstream, changedPeek);
  const isRepaired = changes.repaired.some(({ repair }) => repair === refusedOption);
  const betas = refusedBetas(exchange, repairs);
  const repaired = [...changes.repaired, ...betas.map((repair) => ({ repair, isClients: true }))];
  return {
    ...changes,
    changed: [...changes.changed, ...betaDrops(dialect, betas)],
    target,
    dialect,
    body: bytes,
    peek: changedPeek,
    translated: null,
    dropped: unpassed.length === 0 ? changes.dropped : [...unpassed, ...changes.dropped],
    isUsageAsked: isInjected && refusedOption === undefined,
    repairs,
    repaired:
      isInjected && refusedOption !== undefined && !isRepaired
        ? [...repaired, { repair: refusedOption, isClients: false }]
        : repaired,
  };
}

/** The repairs of a relayed request: those that its model is known to need, and those that its upstream asked for. */
function repairsOf(
  { gateway, exchange, body }: Preparable,
  upstream: UpstreamView,
  target: Target,
  all: Repairs,
): Repairs {
  const { dialect, purpose } = exchange.route;
  const asked = all.length === 0 ? all : repairsIn(dialect, all);
  if (body === null || purpose !== "answer") return asked;
  const traits = gateway.snapshot.modelTraits.traitsOf(upstream, dialect, target.model);
  const known = knownRepairs(dialect, traits, upstream.profile);
  return asked.length === 0 ? known : [...known, ...asked];
}

function translateRequest(
  { translator, body, peek }: Preparable,
  upstream: UpstreamView,
  target: Target,
  dialects: TranslationTarget["dialects"],
  repairs: Repairs,
): PreparedRequest | Promise<PreparedRequest> {
  const translated = translator.encode({ upstream, model: target.model, dialects, repairs });
  const prepared = (ready: TranslatedRequest): PreparedRequest => ({
    target,
    dialect: ready.dialect,
    body,
    peek,
    translated: ready,
    isUsageAsked: false,
    dropped: ready.dropped,
    changed: NOTHING,
    repairs,
    repaired: ready.repaired,
  });
  return translated instanceof Promise ? translated.then(prepared) : prepared(translated);
}

/** In the order of preference; null: the request is relayed. */
function dialectsToTranslateTo(
  { gateway, exchange, peek }: Preparable,
  upstream: UpstreamView,
  target: Target,
): TranslationTarget["dialects"] | null {
  const { dialect, purpose, isBilled } = exchange.route;
  const { dialects, translatedTo, countDialect } = upstream.spokenTo(target.model);
  if (!dialects.has(dialect) && purpose === "embed")
    return [embeddingDialect(translatedTo) ?? translatedTo[0]];
  if (!dialects.has(dialect)) return isBilled ? translatedTo : [countDialect ?? translatedTo[0]];
  const { alternative } = DIALECTS[dialect];
  if (alternative === null || purpose !== "answer" || peek === null) return null;
  if (!alternative.mayBeNeeded(peek) || !dialects.has(alternative.dialect)) return null;
  const { modelTraits } = gateway.snapshot;
  const { needsResponsesForTools } = modelTraits.traitsOf(upstream, dialect, target.model);
  return needsResponsesForTools ? [alternative.dialect] : null;
}

interface ChangedBody extends Pick<PreparedRequest, "dropped" | "changed" | "repaired"> {
  readonly bytes: Uint8Array;
}

function unchanged(bytes: Uint8Array): ChangedBody {
  return { bytes, dropped: NOTHING, changed: NOTHING, repaired: NOTHING };
}

/**
 * A relayed body with the additions of the model's name or entry, and with its repairs. An addition has the
 * body printed anew; a repair changes only the bytes that it concerns.
 */
function* changeBody(
  { gateway, exchange }: Preparable,
  upstream: UpstreamView,
  target: Target,
  repairs: Repairs,
  body: Uint8Array,
): Pieces<ChangedBody> {
  const { dialect } = exchange.route;
  yield;
  const before = parseRequestObject(body);
  yield;
  if (before === null && exchange.amendment !== null) {
    // Servers that read more than JSON would take it without what the operator fixed.
    throw new GatewayError("bad_request", "the body is not a JSON object; send one");
  }
  // A body that is not JSON passes, and the upstream refuses it.
  if (before === null) return unchanged(body);
  let amended = before;
  let dropped: readonly Drop[] = NOTHING;
  if (exchange.amendment !== null) {
    const traits = gateway.snapshot.modelTraits.traitsOf(upstream, dialect, target.model);
    const codec = codecOf(dialect);
    const result = codec.amend(before, exchange.amendment, { traits, profile: upstream.profile });
    amended = result.body;
    dropped = namedByClient(codec, result.dropped);
    yield;
  }
  const repaired = repairRelayed(dialect, before, amended, repairs, exchange.isStrict);
  const after = repaired.body;
  const isRewritten = amended === before;
  yield;
  const bytes = isRewritten ? rewriteJson(body, before, after) : Buffer.from(JSON.stringify(after), "utf8");
  const { changed, answered } = repaired;
  yield;
  return { bytes, dropped: [...dropped, ...repaired.dropped], changed, repaired: answered };
}

/** Whether some repair may change the body: one that leaves a member out concerns only bodies that name it. */
function mayConcern(dialect: DialectName, body: Uint8Array, repairs: Repairs): boolean {
  const { edits }: RepairRules = DIALECTS[dialect].repairs;
  const isNamed = (name: string): boolean => indexOfBytes(body, Buffer.from(`"${name}"`), 0) !== -1;
  return repairs.some(({ kind, member }) => {
    if (kind !== "without" && kind !== "rename") return edits[kind]?.concerns?.some(isNamed) ?? true;
    // A name that is sent under another one stands at the top of the body, as it is.
    if (kind === "rename") return isNamed(member);
    // The last letters of a name are the same in camel case and in snake case.
    const end = /(?<![a-z])[a-z]*$/.exec(member)?.[0] ?? "";
    return indexOfBytes(body, Buffer.from(`${end}"`), 0) !== -1;
  });
}

interface RepairedRelay extends Pick<PreparedRequest, "dropped" | "changed"> {
  readonly body: JsonObject;
  readonly answered: readonly Answered[];
}

/**
 * The repairs of a relayed body. What the client wrote itself is named to the client; a strict key or model
 * keeps it, so that the refusal stands.
 */
function repairRelayed(
  dialect: DialectName,
  before: JsonObject,
  amended: JsonObject,
  repairs: Repairs,
  isStrict: boolean,
): RepairedRelay {
  const rules = DIALECTS[dialect].repairs;
  const own = new Set(repairBody(rules, before, repairs).changes.map(({ repair }) => repair));
  const wanted = isStrict ? repairs.filter((repair) => !own.has(repair) || isSeal(repair)) : repairs;
  const { body, changes } = repairBody(rules, amended, wanted);
  const named = changes
    .filter(({ repair }) => !isSeal(repair))
    .map(({ repair, edit: { field, reason } }) => ({ isOwn: own.has(repair), drop: { field, reason } }));
  // What is not the client's own was added by an entry or a suffix.
  const added = named.filter(({ isOwn }) => !isOwn).map(({ drop }) => drop);
  return {
    body,
    dropped: wanted.some(isSeal) ? [...added, UNSEALED] : added,
    changed: named.filter(({ isOwn }) => isOwn).map(({ drop }) => drop),
    answered: changes.map(({ repair }) => ({ repair, isClients: own.has(repair) })),
  };
}

function isSeal({ kind }: Repair): boolean {
  return kind === "without-seals";
}

/** A parameter that the client's dialect does not have keeps its neutral name: the operator set it. */
function namedByClient({ fieldNames }: Codec, dropped: readonly Drop[]): Drop[] {
  const names: Readonly<Record<string, string | null>> = fieldNames;
  return dropped.map(({ field, reason }) => ({ field: names[field] ?? field, reason }));
}
