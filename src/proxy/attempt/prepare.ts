/** How a request gets to one target: as it is, changed where the operator or the upstream wants it, or translated. */
import { Buffer } from "node:buffer";
import type { Repairs } from "../../dialects/codec.ts";
import { CODECS } from "../../dialects/codecs.ts";
import type { DialectName, Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { peekRequest } from "../../dialects/peek.ts";
import type { Drop } from "../../neutral/request.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import { UNSEALED } from "../../translate/drops.ts";
import type { TranslatedExchange, Translator } from "../../translate/request.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import { parseJsonObject } from "../../wire/json.ts";
import type { Gateway } from "../gateway.ts";

/** The request as it goes to one target: bytes to relay, or a translation. */
export interface Passage {
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  readonly translated: TranslatedRequest | null;
  /** Of a relayed request: what was taken out of it. */
  readonly dropped: readonly Drop[];
}

export interface PassageInput {
  readonly gateway: Pick<Gateway, "snapshot">;
  readonly exchange: TranslatedExchange;
  readonly upstream: UpstreamView;
  readonly target: Target;
  readonly body: Uint8Array | null;
  readonly peek: Peek | null;
  readonly translator: Translator;
  readonly repairs: Repairs;
}

/** Whether the upstream speaks the client's dialect, or the request can be translated to one that it speaks. */
export function canServe({ dialect, purpose }: Route, upstream: UpstreamView): boolean {
  return upstream.dialects.has(dialect) || purpose !== null;
}

/** Whether tokens are to be counted for an upstream that has no endpoint for it. */
export function isCountedHere({ dialect, isBilled }: Route, upstream: UpstreamView): boolean {
  return !isBilled && !upstream.dialects.has(dialect) && upstream.countDialect === null;
}

/** The request as it is, when that is what the target gets: most requests, and nothing is awaited for them. null: see `makePassage`. */
export function plainPassage(input: PassageInput): Passage | null {
  const { exchange, body, peek, repairs } = input;
  const isPlain = body === null || (exchange.amendment === null && !repairs.withoutSeals);
  return isPlain && dialectFor(input) === null ? { body, peek, translated: null, dropped: [] } : null;
}

/** Throws `not_translatable` when the target cannot take the request, `bad_request` when nobody could. */
export async function makePassage(input: PassageInput): Promise<Passage> {
  const { exchange, upstream, target, body, peek, translator, repairs } = input;
  const dialect = dialectFor(input);
  if (dialect !== null) {
    const translated = await translator.encode(upstream, target.model, dialect, repairs);
    return { body, peek, translated, dropped: [] };
  }
  const plain = plainPassage(input);
  if (plain !== null || body === null) return plain ?? { body, peek, translated: null, dropped: [] };
  const changed = changedBody(input, body);
  return {
    body: changed,
    peek: peekRequest(exchange.route.dialect, changed),
    translated: null,
    dropped: repairs.withoutSeals ? [UNSEALED] : [],
  };
}

/** The dialect to translate to; null: the request is relayed. */
function dialectFor({ gateway, exchange, upstream, target, peek }: PassageInput): DialectName | null {
  const { dialect, purpose, isBilled } = exchange.route;
  if (!upstream.dialects.has(dialect)) {
    return (isBilled ? null : upstream.countDialect) ?? upstream.preferredDialect;
  }
  const { alternative } = DIALECTS[dialect];
  if (alternative === null || purpose !== "answer" || peek === null) return null;
  if (!alternative.mayBeNeeded(peek) || !upstream.dialects.has(alternative.dialect)) return null;
  const { knowledge } = gateway.snapshot;
  const { needsResponsesForTools } = knowledge.traitsOf(upstream.family.name, dialect, target.model);
  return needsResponsesForTools ? alternative.dialect : null;
}

/** A relayed body with what the model's name or entry adds, or without what the upstream refused; itself when that changes nothing. */
function changedBody(input: PassageInput, body: Uint8Array): Uint8Array {
  const { gateway, exchange, upstream, target, repairs } = input;
  const { dialect } = exchange.route;
  const codec = CODECS[dialect];
  const before = parseJsonObject(body);
  // The upstream says what is wrong with it.
  if (before === null) return body;
  let parsed = before;
  if (exchange.amendment !== null) {
    const traits = gateway.snapshot.knowledge.traitsOf(upstream.family.name, dialect, target.model);
    parsed = codec.amend(parsed, exchange.amendment, traits);
  }
  if (repairs.withoutSeals) parsed = codec.withoutSeals(parsed) ?? parsed;
  return parsed === before ? body : Buffer.from(JSON.stringify(parsed), "utf8");
}
