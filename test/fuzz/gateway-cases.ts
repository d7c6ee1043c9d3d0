/** The requests of a run: each is made of the run's seed and its number alone. */
import { Buffer } from "node:buffer";
import type { DialectName } from "../../src/dialects/dialect.ts";
import { type Chance, chanceFrom } from "../faults/seeded.ts";
import { grow } from "./grown.ts";
import { mutateBytes, mutateValue } from "./mutation.ts";
import { askingFor, type Seed, SIMULATED_MODELS, wordsFor } from "./seeds.ts";
import { numberWord } from "./spoiling-upstream.ts";

export interface GatewayCase {
  /**
   * `word`: a good request to a model that answers oddly. `body`: a spoiled request. `reply`: a spoiled reply
   * of the provider.
   */
  readonly kind: "word" | "body" | "reply" | "count";
  readonly path: string;
  readonly body: Uint8Array;
  /** The ledger must have a row of it. */
  readonly isBilled: boolean;
  /** The provider speaks the client's dialect, so that its reply is passed on unchanged. */
  readonly isRelayed: boolean;
  /** The client does not wait for the end. */
  readonly leaves: boolean;
}

const DIALECTS: readonly DialectName[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];
/** Upstreams of one kind with spoiled replies: while one rests after its failures, others are asked. */
export const SPOILING_COPIES = 4;
const LEAVING_SHARE = 0.04;
/** Spoiled requests that are lengthened. */
const GROWN_SHARE = 0.01;

export class GatewayCaseMaker {
  readonly #bodies: ReadonlyMap<DialectName, readonly object[]>;
  readonly #seed: number;

  constructor(seed: number, seeds: readonly Seed[]) {
    this.#seed = seed;
    const requests = seeds.filter(({ kind }) => kind === "request");
    this.#bodies = new Map(
      DIALECTS.map((name) => [
        name,
        requests
          .filter(({ dialect }) => dialect === name)
          .map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString("utf8"))),
      ]),
    );
  }

  make(number: number): GatewayCase {
    const chance = chanceFrom(this.#seed ^ Math.imul(number + 1, 0x85ebca6b));
    const client = chance.pick(DIALECTS);
    const upstream = chance.pick(DIALECTS);
    const leaves = chance.next() < LEAVING_SHARE;
    const isStream = chance.next() < 0.5;
    const isArray = chance.next() < 0.3;
    const common = { isBilled: true, isRelayed: client === upstream, leaves };
    const way = chance.next();
    const model = `${upstream}/${SIMULATED_MODELS[upstream]}`;
    if (way < 0.3) {
      const word = chance.pick(wordsFor(upstream));
      const { path, body } = askingFor(client, word === "" ? model : `${model}~${word}`, isStream, isArray);
      return { ...common, kind: "word", path, body: bytesOf(body) };
    }
    if (way < 0.55) {
      const spoiling = `spoiling-${chance.whole(0, SPOILING_COPIES - 1)}-${model}~${numberWord(number)}`;
      const { path, body } = askingFor(client, spoiling, isStream, isArray);
      return { ...common, kind: "reply", path, body: bytesOf(body) };
    }
    const { path } = askingFor(client, model, isStream, isArray);
    const body = this.#spoiled(client, model, isStream, chance);
    if (way < 0.92) return { ...common, kind: "body", path, body };
    return { ...common, kind: "count", path: countPath(client, path), body };
  }

  #spoiled(client: DialectName, model: string, isStream: boolean, chance: Chance): Uint8Array {
    const bodies = this.#bodies.get(client) ?? [];
    const good: object = {
      ...chance.pick(bodies),
      ...(client === "gemini" ? null : { model, ...(isStream ? { stream: true } : null) }),
    };
    if (chance.next() < 0.1) return bytesOf(good);
    const seed: Seed = { kind: "request", dialect: client, framing: "json", bytes: bytesOf(good) };
    const grown = chance.next() < GROWN_SHARE ? grow(seed, chance) : null;
    if (grown !== null) return grown.bytes;
    if (chance.next() < 0.2) return mutateBytes(bytesOf(good), chance);
    return bytesOf(mutateValue(good, chance, bodies));
  }
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value) ?? "null", "utf8");
}

/** The path at which the dialect counts tokens; Chat has none. */
function countPath(client: DialectName, path: string): string {
  switch (client) {
    case "openai-chat":
      return path;
    case "openai-responses":
      return "/v1/responses/input_tokens";
    case "anthropic-messages":
      return "/v1/messages/count_tokens";
    case "gemini":
      return path.replace(/:.*$/, ":countTokens");
  }
}
