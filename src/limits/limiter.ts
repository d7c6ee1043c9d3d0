/**
 * The limits of client keys and teams. A request reserves room in all of its limits before it is sent, or in none, and
 * settles when its facts are known. All is synchronous.
 */
import type { Clock } from "../core/clock.ts";
import { makeGlob } from "../core/glob.ts";
import { type Applied, EntryLimits, joinLimits } from "./entry-limits.ts";
import type { LimitedKey, LimitedTeam } from "./key-limits.ts";
import type { LimitPlace, Refusal } from "./refusal.ts";
import { type Demand, Reservation } from "./reservation.ts";
import type { KeyUse } from "./use.ts";

export interface LimiterOptions {
  readonly clock: Clock;
  readonly keys: readonly LimitedKey[];
  readonly teams: readonly LimitedTeam[];
}

/** Clients choose the names of models, so what is remembered of them needs a bound. */
const MAX_REMEMBERED_MODELS = 256;

interface ModelEntry {
  readonly entry: EntryLimits;
  readonly isFor: (model: string) => boolean;
}

interface KeyState {
  readonly own: EntryLimits;
  /** By glob. */
  readonly perModel: Map<string, ModelEntry>;
  readonly appliedTo: Map<string | null, Applied>;
}

export class Limiter {
  readonly #clock: Clock;
  readonly #monotonicMs: () => number;
  #keys = new Map<string, KeyState>();

  constructor({ clock, keys, teams }: LimiterOptions) {
    this.#clock = clock;
    this.#monotonicMs = () => clock.monotonicMs();
    this.replace(keys, teams);
  }

  /** Takes over a changed configuration. Running reservations keep counting. */
  replace(keys: readonly LimitedKey[], _teams: readonly LimitedTeam[]): void {
    const before = this.#keys;
    this.#keys = new Map();
    for (const key of keys) if (key.limits !== null) this.#configure(key, before.get(key.name));
  }

  /** Takes room in all limits of the key and its team, or in none: then it returns the first limit without room. */
  reserve(key: LimitedKey, demand: Demand): Reservation | Refusal {
    const applied = this.#appliedTo(key, demand.model);
    const nowMs = this.#clock.monotonicMs();
    for (const concurrency of applied.concurrency) {
      const refusal = concurrency.check();
      if (refusal !== null) return refusal;
    }
    for (const rate of applied.requests) {
      const refusal = rate.check(1, nowMs);
      if (refusal !== null) return refusal;
    }
    for (const rate of applied.tokens) {
      const refusal = rate.check(demand.tokens, nowMs);
      if (refusal !== null) return refusal;
    }
    return new Reservation(applied, demand, this.#monotonicMs);
  }

  /** Every limit of the key and its team as it stands now. */
  use(key: LimitedKey): KeyUse {
    const state = this.#stateOf(key);
    const nowMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    const entries = [state.own, ...Array.from(state.perModel.values(), ({ entry }) => entry)];
    return entries.flatMap((entry) => entry.use(nowMs, monotonicMs));
  }

  /** Whether a budget of the key or its team counts the requests for the model. */
  hasBudget(_key: LimitedKey, _model: string | null): boolean {
    return false;
  }

  /** The limits that hold for a request of the key for the model, as they stand now. */
  useFor(key: LimitedKey, model: string | null): KeyUse {
    const applied = this.#appliedTo(key, model);
    const nowMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    return [...applied.requests, ...applied.tokens].map((rate) => rate.use(nowMs, monotonicMs));
  }

  #appliedTo(key: LimitedKey, model: string | null): Applied {
    const state = this.#stateOf(key);
    // Most keys have the same limits for all models.
    const name = state.perModel.size === 0 ? null : model;
    const known = state.appliedTo.get(name);
    if (known !== undefined) return known;
    const applied = joinLimits([state.own, ...entriesFor(state, name)]);
    if (state.appliedTo.size >= MAX_REMEMBERED_MODELS) state.appliedTo.clear();
    state.appliedTo.set(name, applied);
    return applied;
  }

  /** A request that began before its key was taken away is held to the limits that it came with. */
  #stateOf(key: LimitedKey): KeyState {
    return this.#keys.get(key.name) ?? this.#configure(key, undefined);
  }

  #configure(key: LimitedKey, before: KeyState | undefined): KeyState {
    const place: LimitPlace = { scope: "key", name: key.name, model: null };
    const own = before?.own ?? new EntryLimits(place);
    if (key.limits !== null) own.configure(key.limits);
    const perModel = new Map<string, ModelEntry>();
    for (const limits of key.limits?.perModel ?? []) {
      const { model } = limits;
      const known = before?.perModel.get(model) ?? {
        entry: new EntryLimits({ ...place, model }),
        isFor: makeGlob(model),
      };
      known.entry.configure(limits);
      perModel.set(model, known);
    }
    const state: KeyState = { own, perModel, appliedTo: new Map() };
    this.#keys.set(key.name, state);
    return state;
  }
}

function entriesFor({ perModel }: KeyState, model: string | null): EntryLimits[] {
  if (model === null) return [];
  const bare = model.slice(model.indexOf("/") + 1);
  return [...perModel.values()].filter(({ isFor }) => isFor(model) || isFor(bare)).map(({ entry }) => entry);
}
