/** The repairs that upstreams were found to need. In memory only. */
import type { Clock } from "../../core/clock.ts";
import {
  isOppositeRepair,
  isSameRepair,
  NO_REPAIRS,
  type Repair,
  type Repairs,
} from "../../dialects/repair.ts";
import { ContextLimits } from "./context-limits.ts";

/** A repair of a request that was answered. */
export interface Answered {
  readonly repair: Repair;
  /** The client wrote what was changed; false: the gateway did. */
  readonly isClients: boolean;
}

/** The upstream of a fact. Another base URL under the same name is another server. */
interface Taught {
  readonly name: string;
  readonly baseUrl: string;
}

interface Fact {
  readonly repair: Repair;
  /** The only client key for which the fact holds; null: it holds for all. */
  readonly key: string | null;
  readonly untilMs: number;
}

/** A server may have learned what it did not know: it is asked anew after this time. */
const HOLDS_MS = 3_600_000;
const MAX_MODELS = 1_000;
/** Of one client key, and of all keys together. The oldest facts of single keys make room. */
const MAX_FACTS_OF_KEY = 16;
const MAX_FACTS = 256;
const MAX_NAME_CHARS = 256;

/**
 * Facts by upstream, use (answers, counts, or an endpoint) and model, for an hour each. A fact about something that the gateway added holds for every client key at
 * once. A fact about something that a client wrote holds for this client's key, until a second key has seen
 * the same: one client alone cannot change the requests of others.
 */
export class LearnedRepairs {
  /** What depends on the length of each request is kept apart. */
  readonly contexts: ContextLimits;
  readonly #clock: Clock;
  readonly #learned = new Map<string, readonly Fact[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.contexts = new ContextLimits(clock);
  }

  of(upstream: Taught, use: string, model: string, key: string): Repairs {
    if (this.#learned.size === 0) return NO_REPAIRS;
    const facts = this.#learned.get(nameOf(upstream, use, model));
    if (facts === undefined) return NO_REPAIRS;
    const nowMs = this.#clock.nowMs();
    const own = facts.filter((fact) => nowMs < fact.untilMs && (fact.key === null || fact.key === key));
    return own.length === 0 ? NO_REPAIRS : own.map(({ repair }) => repair);
  }

  /**
   * The upstream answered a request of this client key with these repairs. A refusal alone teaches nothing,
   * because it may quote the client.
   */
  learn(upstream: Taught, use: string, model: string, key: string, answered: readonly Answered[]): void {
    if (answered.length === 0) return;
    const lasting = answered.filter(({ repair }) => repair.isLasting);
    if (lasting.length === 0 || model.length > MAX_NAME_CHARS) return;
    const name = nameOf(upstream, use, model);
    const nowMs = this.#clock.nowMs();
    let facts: readonly Fact[] = (this.#learned.get(name) ?? []).filter(({ untilMs }) => nowMs < untilMs);
    for (const one of lasting) facts = withFact(facts, one, key, nowMs + HOLDS_MS);
    // The newest stands last; the oldest makes room.
    this.#learned.delete(name);
    this.#learned.set(name, facts);
    const [oldest] = this.#learned.keys();
    if (this.#learned.size > MAX_MODELS && oldest !== undefined) this.#learned.delete(oldest);
  }
}

function withFact(
  facts: readonly Fact[],
  { repair, isClients }: Answered,
  key: string,
  untilMs: number,
): readonly Fact[] {
  // A refusal that names nothing says of one client's words that they are refused, and of no other's.
  const isNamed = repair.member !== "*";
  const known = facts.find((fact) => isSameRepair(fact.repair, repair) && (isNamed || fact.key === key));
  if (known !== undefined && (known.key === null || (isClients && known.key === key))) return facts;
  const owner = isClients && known === undefined ? key : null;
  const others = facts.filter(
    (fact) => fact !== known && !(fact.key === owner && isOppositeRepair(fact.repair, repair)),
  );
  if (others.filter((fact) => fact.key === owner).length >= MAX_FACTS_OF_KEY) return facts;
  const oldest = others.length < MAX_FACTS ? undefined : others.find((fact) => fact.key !== null);
  return [...others.filter((fact) => fact !== oldest), { repair, key: owner, untilMs }];
}

function nameOf({ name, baseUrl }: Taught, use: string, model: string): string {
  return `${name} ${baseUrl} ${use} ${model}`;
}
