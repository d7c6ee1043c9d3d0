/**
 * Prepares a request for one target: as it is, changed where the operator or the upstream wants it, or
 * translated.
 */
import { Buffer } from "node:buffer";
import type { Codec } from "../../dialects/codec.ts";
import { CODECS } from "../../dialects/codecs.ts";
import type { DialectName, Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { peekRequest } from "../../dialects/peek.ts";
import type { Repairs } from "../../dialects/repair.ts";
import type { Drop } from "../../neutral/request.ts";
import type { Target } from "../../plan/plan.ts";
import type { Snapshot, UpstreamView } from "../../snapshot.ts";
import { UNSEALED } from "../../translate/drops.ts";
import type { RequestTranslator, TranslatedExchange } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import { parseJsonObject } from "../../wire/json.ts";

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
  /** Parts that the target does not get, by the client's names. */
  readonly dropped: readonly Drop[];
}

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
export function canServe({ dialect, purpose }: Route, upstream: UpstreamView): boolean {
  return upstream.dialects.has(dialect) || purpose !== null;
}

/** Whether the gateway itself counts tokens, for an upstream that has no endpoint for it. */
export function isCountedHere({ dialect, isBilled }: Route, upstream: UpstreamView): boolean {
  return !isBilled && !upstream.dialects.has(dialect) && upstream.countDialect === null;
}

/**
 * Makes the request ready for one target, before a credential is leased. The result is a promise only where
 * the translation is one. Throws `not_translatable` when the target cannot take the request, `bad_request`
 * when no target could.
 */
export function prepareRequest(
  request: Preparable,
  upstream: UpstreamView,
  target: Target,
  repairs: Repairs,
): PreparedRequest | Promise<PreparedRequest> {
  const { exchange, body, peek } = request;
  const translateTo = dialectToTranslateTo(request, upstream, target);
  if (translateTo !== null) return translateRequest(request, upstream, target, translateTo, repairs);
  const { dialect } = exchange.route;
  if (body === null || (exchange.amendment === null && !repairs.withoutSeals)) {
    return { target, dialect, body, peek, translated: null, dropped: [] };
  }
  const { changed, dropped } = changeBody(request, upstream, target, repairs, body);
  return {
    target,
    dialect,
    body: changed,
    peek: peekRequest(dialect, changed),
    translated: null,
    dropped,
  };
}

function translateRequest(
  { translator, body, peek }: Preparable,
  upstream: UpstreamView,
  target: Target,
  dialect: DialectName,
  repairs: Repairs,
): PreparedRequest | Promise<PreparedRequest> {
  const translated = translator.encode({ upstream, model: target.model, dialect, repairs });
  const prepared = (ready: TranslatedRequest): PreparedRequest => ({
    target,
    dialect,
    body,
    peek,
    translated: ready,
    dropped: ready.dropped,
  });
  return translated instanceof Promise ? translated.then(prepared) : prepared(translated);
}

/** null: the request is relayed. */
function dialectToTranslateTo(
  { gateway, exchange, peek }: Preparable,
  upstream: UpstreamView,
  target: Target,
): DialectName | null {
  const { dialect, purpose, isBilled } = exchange.route;
  if (!upstream.dialects.has(dialect)) {
    return (isBilled ? null : upstream.countDialect) ?? upstream.preferredDialect;
  }
  const { alternative } = DIALECTS[dialect];
  if (alternative === null || purpose !== "answer" || peek === null) return null;
  if (!alternative.mayBeNeeded(peek) || !upstream.dialects.has(alternative.dialect)) return null;
  const { modelTraits } = gateway.snapshot;
  const { needsResponsesForTools } = modelTraits.traitsOf(upstream.family, dialect, target.model);
  return needsResponsesForTools ? alternative.dialect : null;
}

/**
 * A relayed body with the additions of the model's name or entry, and without seals that the upstream
 * refused. The body itself when nothing changes.
 */
function changeBody(
  { gateway, exchange }: Preparable,
  upstream: UpstreamView,
  target: Target,
  repairs: Repairs,
  body: Uint8Array,
): { readonly changed: Uint8Array; readonly dropped: readonly Drop[] } {
  const { dialect } = exchange.route;
  const codec = CODECS[dialect];
  const before = parseJsonObject(body);
  const unsealed = repairs.withoutSeals ? [UNSEALED] : [];
  // A body that is not JSON passes, and the upstream refuses it.
  if (before === null) return { changed: body, dropped: unsealed };
  let parsed = before;
  let dropped: readonly Drop[] = unsealed;
  if (exchange.amendment !== null) {
    const traits = gateway.snapshot.modelTraits.traitsOf(upstream.family, dialect, target.model);
    const amended = codec.amend(parsed, exchange.amendment, { traits, profile: upstream.profile });
    parsed = amended.body;
    dropped = [...namedByClient(codec, amended.dropped), ...unsealed];
  }
  if (repairs.withoutSeals) parsed = codec.withoutSeals(parsed) ?? parsed;
  const changed = parsed === before ? body : Buffer.from(JSON.stringify(parsed), "utf8");
  return { changed, dropped };
}

/** A parameter that the client's dialect does not have keeps its neutral name: the operator set it. */
function namedByClient({ fieldNames }: Codec, dropped: readonly Drop[]): Drop[] {
  const names: Readonly<Record<string, string | null>> = fieldNames;
  return dropped.map(({ field, reason }) => ({ field: names[field] ?? field, reason }));
}
