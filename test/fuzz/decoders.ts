/**
 * The promises of every decoder for any input: it throws only `GatewayError`, its events keep the grammar,
 * and none follows the end.
 */
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Framing } from "../../src/dialects/dialect.ts";
import {
  ALL_DIALECTS,
  DECODE_OPTIONS,
  type DialectUnderTest,
  replyOptions,
} from "../../src/dialects/fixtures/dialects-under-test.ts";
import { DIALECTS } from "../../src/dialects/index.ts";
import { type RepairKind, type RepairRules, repairBody } from "../../src/dialects/repair.ts";
import type { ModelEvent, ModelReply } from "../../src/neutral/event.ts";
import { Folder } from "../../src/neutral/fold.ts";
import type { ModelRequest } from "../../src/neutral/request.ts";
import { RequestWords } from "../../src/upstreams/evidence/request-words.ts";
import { FAMILIES } from "../../src/upstreams/index.ts";
import { refusedFor } from "../../src/upstreams/refusals/refused-for.ts";
import { repairsFor } from "../../src/upstreams/refusals/repair.ts";
import type { ReplyFacts } from "../../src/upstreams/signal.ts";
import { grammarFault } from "../kit/grammar.ts";

/** Runs a function; null: it threw a `GatewayError`. */
function allowing<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

/** Repairs a client's request in every way, decodes it, and encodes an accepted one for every upstream. */
export function tryRequest({ codec }: DialectUnderTest, body: JsonObject): void {
  const rules: RepairRules = DIALECTS[codec.name].repairs;
  for (const kind of Object.keys(rules.edits) as RepairKind[]) {
    const repair = { kind, dialect: codec.name, member: "", amount: null, isLasting: true };
    repairBody(rules, body, [repair]);
  }
  const decoded = allowing(() => codec.decodeRequest(body, { model: "m", stream: false }));
  if (decoded !== null) tryEncoding(decoded.request);
}

function tryEncoding(request: ModelRequest): void {
  for (const { codec, models } of ALL_DIALECTS) {
    const [options] = models as [(typeof models)[number]];
    allowing(() => JSON.stringify(codec.encodeRequest(request, options).body));
  }
}

/** Decodes an upstream's whole reply, and encodes an accepted one for every client. */
export function tryReply({ codec }: DialectUnderTest, body: JsonObject): void {
  const reply = allowing(() => codec.decodeReply(body, DECODE_OPTIONS));
  allowing(() => codec.decodeCount(body));
  if (reply === null) return;
  allowing(() => codec.continueReply({}, reply));
  for (const client of ALL_DIALECTS) tryWriting(client, reply);
}

function tryWriting(client: DialectUnderTest, reply: ModelReply): void {
  const text = allowing(() => client.codec.encodeReply(reply, replyOptions(client, "json")));
  if (text !== null) JSON.parse(text);
}

/** Reads an upstream's error body in every way, none of which throws, for a request in which words of it may stand. */
export function tryError({ codec }: DialectUnderTest, body: string): void {
  const { name } = codec;
  DIALECTS[name].decodeError(body);
  const sent = new TextEncoder().encode(
    JSON.stringify({
      model: "m",
      messages: [{ role: "user", content: `${"a".repeat(body.length)}${body}` }],
    }),
  );
  for (const family of Object.values(FAMILIES)) {
    const facts: ReplyFacts = {
      status: 400,
      headers: new Headers(),
      body,
      nowMs: 0,
      model: "m",
      isOfRequest: new RequestWords(sent, []).has,
    };
    family.classify(facts);
    family.envelopeOf?.(facts);
    family.inBandStatus(body);
    family.roomOfFailure(facts);
    refusedFor(facts, sent);
  }
  repairsFor({ dialect: name, status: 400, body, sent, repairs: [] });
}

/** Decodes an upstream's stream in these pieces, and encodes its events for every client. */
export function tryStream(
  { codec }: DialectUnderTest,
  framing: Framing,
  pieces: readonly Uint8Array[],
  isCut = false,
): readonly ModelEvent[] {
  const decoder = codec.makeStreamDecoder(framing, DECODE_OPTIONS);
  const events: ModelEvent[] = [];
  const emit = (event: ModelEvent) => events.push(event);
  for (const piece of pieces) decoder.push(piece, emit);
  if (!isCut) decoder.end(emit);
  const fault = grammarFault(events, false);
  if (fault !== null) throw new Error(`the events do not obey the grammar: ${fault}`);
  if (events.some(({ type }) => type === "end" || type === "fail")) {
    const count = events.length;
    for (const piece of pieces) decoder.push(piece, emit);
    decoder.end(emit);
    if (events.length > count) throw new Error(`${events.at(-1)?.type} came behind the end`);
  }
  const folder = new Folder();
  for (const event of events) folder.add(event);
  for (const client of ALL_DIALECTS) tryRetelling(client, events);
  return events;
}

function tryRetelling(client: DialectUnderTest, events: readonly ModelEvent[]): void {
  const encoder = client.codec.makeStreamEncoder(replyOptions(client, client.framings[0] as Framing));
  allowing(() => {
    for (const event of events) if (event.type !== "fail") encoder.encode(event);
  });
  encoder.fail(new GatewayError("upstream_garbage", "It makes no sense."), "id");
}

/** Runs a dialect's tap: it never throws and changes no byte. */
export function tryTap({ codec }: DialectUnderTest, framing: Framing, pieces: readonly Uint8Array[]): void {
  const tap = DIALECTS[codec.name].makeTap({
    framing,
    peek: null,
    isUsageInjected: false,
    maxHeldBytes: 1 << 20,
  });
  for (const piece of pieces) tap.push(piece);
  tap.end();
}
