/**
 * The limits of client keys and teams, and the budgets of credentials. A request reserves room in all of its limits before it is sent, or in none, and
 * settles when its facts are known. All is synchronous.
 */
import type { TeamConfig } from "../config/client-keys.ts";
import type { Clock } from "../core/clock.ts";
import { countedNames, type ModelPattern, makeModelPattern, type RowModels } from "../core/model-pattern.ts";
import type { Charge } from "../store/budgets.ts";
import type { Budget } from "./budget.ts";
import { BudgetBook } from "./budget-book.ts";
import type { BudgetShare } from "./budget-share.ts";
import type { BudgetStore } from "./budget-store.ts";
import type { BudgetedCredential } from "./budgeted-credential.ts";
import { Applied, EntryLimits } from "./entry-limits.ts";
import type { LimitedKey } from "./limited-key.ts";
import type { LimitPlace, Refusal } from "./refusal.ts";
import { type Demand, Reservation, type ReservationOwner, type SettledRow } from "./reservation.ts";
import type { BudgetStanding, KeyUse } from "./use.ts";

export interface LimiterOptions {
  /**
   * The other names that a client's name for a model stands for, as `upstream/model`. Asked again after each `replace`
   * only.
   */
  readonly namesOf: (model: string) => readonly string[];
  readonly clock: Clock;
  readonly store: BudgetStore;
  readonly keys: Iterable<LimitedKey>;
  readonly teams: readonly TeamConfig[];
  /** Absent: none has a budget. */
  readonly credentials?: readonly BudgetedCredential[];
}

/** Requests for some models, which have ended. */
export interface TakenBefore extends RowModels {
  readonly key: string;
  readonly requests: number;
  readonly tokens: number;
}

/** Teams have budgets only. */
const NO_RATES = { requestsPerMinute: null, tokensPerMinute: null, concurrency: null };
/** Clients choose the names of models, so what is remembered of them needs a bound. */
const MAX_REMEMBERED_MODELS = 256;

interface ModelEntry {
  readonly entry: EntryLimits;
  readonly isFor: ModelPattern;
}

interface KeyState {
  readonly own: EntryLimits;
  /** By pattern. */
  readonly perModel: ReadonlyMap<string, ModelEntry>;
  readonly team: EntryLimits | null;
  readonly appliedTo: Map<string | null, Applied>;
}

export class Limiter {
  readonly #namesOf: LimiterOptions["namesOf"];
  readonly #clock: Clock;
  readonly #owner: ReservationOwner;
  /** Each knows its place: a set would hash it twice and grow again and again. */
  readonly #running: Reservation[] = [];
  readonly #store: BudgetStore;
  readonly #book: BudgetBook;
  #limitedSinceMs = Number.NEGATIVE_INFINITY;
  #keys = new Map<string, KeyState>();
  #teams = new Map<string, EntryLimits>();
  /** By id. */
  #credentials: ReadonlyMap<string, readonly Budget[]> = new Map();

  constructor({ namesOf, clock, store, keys, teams, credentials = [] }: LimiterOptions) {
    this.#namesOf = namesOf;
    this.#clock = clock;
    this.#owner = {
      monotonicMs: () => clock.monotonicMs(),
      ended: (reservation) => this.#end(reservation),
      chargedBudgets: (key, row) => this.#chargedBudgets(key, row),
    };
    this.#store = store;
    this.#book = new BudgetBook(store, clock);
    this.#credentials = this.#budgetsOf(credentials);
    this.replace(keys, teams);
  }

  /** When a key got limits last that had none, Unix milliseconds: requests before may have no reservation. */
  get limitedSinceMs(): number {
    return this.#limitedSinceMs;
  }

  /** Books what ended processes left open of budgets. Never throws. */
  start(): void {
    this.#store.start(this.#allBudgets().length > 0);
  }

  /** Takes over a changed configuration. Running reservations keep counting. */
  replace(keys: Iterable<LimitedKey>, teams: readonly TeamConfig[]): void {
    const teamsBefore = this.#teams;
    this.#teams = new Map();
    for (const team of teams) {
      const { name, timeZone } = team;
      const entry = teamsBefore.get(name) ?? new EntryLimits({ scope: "team", name, model: null });
      entry.configure({ ...NO_RATES, ...team }, timeZone, this.#book);
      this.#teams.set(name, entry);
    }
    const keysBefore = this.#keys;
    this.#keys = new Map();
    for (const key of keys) {
      if (key.limits === null) continue;
      const before = keysBefore.get(key.name);
      if (before === undefined) this.#limitedSinceMs = this.#clock.nowMs();
      this.#configure(key, before);
    }
    this.#book.retireOthers(new Set(this.#allBudgets()));
    for (const reservation of this.#running) {
      const { key, demand } = reservation;
      if (this.#keys.has(key.name)) reservation.adopt(this.#appliedTo(key, demand.model, demand.fallbacks));
    }
    this.#book.giveBackRetired();
  }

  /** Whether a key has requests or tokens a minute. */
  get hasRates(): boolean {
    return this.#allEntries().some(({ requests, tokens }) => requests.length + tokens.length > 0);
  }

  /** What requests of an earlier process have taken of rates. Times ascend, and may be before the start of the clock. */
  takeBefore({ key, requests, tokens, ...models }: TakenBefore, monotonicMs: number): void {
    const state = this.#keys.get(key);
    if (state === undefined) return;
    const applied = this.#join(state, countedNames(models));
    for (const rate of applied.requests) rate.take(requests, monotonicMs);
    for (const rate of applied.tokens) rate.take(tokens, monotonicMs);
  }

  /** Takes over the budgets of the credentials of a changed configuration. */
  replaceCredentials(credentials: readonly BudgetedCredential[]): void {
    this.#credentials = this.#budgetsOf(credentials);
    this.#book.retireOthers(new Set(this.#allBudgets()));
    this.#book.giveBackRetired();
  }

  /** The budgets of a credential, `upstream/name`, which are held and charged by those who lease it. */
  budgetsOfCredential(id: string): readonly Budget[] {
    return this.#credentials.get(id) ?? [];
  }

  /**
   * Takes room in all limits of the key and its team, or in none: then it returns the first limit without room. Throws
   * `GatewayError("ledger_unavailable")` when a budget needs the store, and the store fails.
   */
  reserve(key: LimitedKey, demand: Demand): Reservation | Refusal {
    const applied = this.#appliedTo(key, demand.model, demand.fallbacks);
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
    const shares = applied.sharesAt(demand.atMs);
    for (const share of shares) {
      const refusal = share.check(demand.costNanoUsd ?? 0);
      if (refusal !== null) return refusal;
    }
    return this.#hold(key, demand, applied, shares, nowMs);
  }

  /**
   * Takes room for a request that an earlier process has let begin. Where there is no room it holds none, and is charged
   * all the same. Throws `GatewayError("ledger_unavailable")`.
   */
  resume(key: LimitedKey, demand: Demand): Reservation {
    const given = this.reserve(key, demand);
    if (given instanceof Reservation) return given;
    const applied = this.#appliedTo(key, demand.model, demand.fallbacks);
    const nothing = { ...demand, tokens: 0, costNanoUsd: 0 };
    return this.#hold(key, nothing, applied, applied.sharesAt(demand.atMs), this.#clock.monotonicMs());
  }

  /** What a request has cost whose key had no limits when it began. The charges belong to the commit of its row. */
  chargeUnheld(keyName: string, atMs: number, nanoUsd: number, row: SettledRow): readonly Charge[] {
    const state = this.#keys.get(keyName);
    if (state === undefined || nanoUsd <= 0) return [];
    const { budgets } = this.#join(state, countedNames(row));
    return budgets.flatMap((budget) => budget.charge(atMs, row.id, nanoUsd) ?? []);
  }

  /** Every limit of the key and its team as it stands now. Throws `GatewayError("ledger_unavailable")`. */
  use(key: LimitedKey): KeyUse {
    const nowMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    return entriesOf(this.#stateOf(key)).flatMap((entry) => entry.use(nowMs, monotonicMs));
  }

  /** All budgets that were used in their present day, week or month. Asks the store nothing, and never throws. */
  budgets(): readonly BudgetStanding[] {
    return this.#book.standings();
  }

  /** The begin of the earliest day, week or month that is open in a budget, Unix milliseconds; null: there is no budget. */
  get budgetsSinceMs(): number | null {
    const nowMs = this.#clock.nowMs();
    const starts = this.#allBudgets().map((budget) => budget.presentSinceMs(nowMs));
    return starts.length === 0 ? null : starts.reduce((least, start) => Math.min(least, start));
  }

  /** After the last row is committed: gives all portions back, and closes the store. */
  close(): void {
    this.#book.close();
  }

  /** Whether a budget of the key or its team counts the requests for the model. `fallbacks` are as in `Demand`. */
  hasBudget(key: LimitedKey, model: string | null, fallbacks: readonly string[] = []): boolean {
    return this.#appliedTo(key, model, fallbacks).budgets.length > 0;
  }

  /** The limits that hold for a request of the key for the model. */
  limitsFor(key: LimitedKey, model: string | null): Applied {
    return this.#appliedTo(key, model);
  }

  #hold(
    key: LimitedKey,
    demand: Demand,
    applied: Applied,
    shares: readonly BudgetShare[],
    nowMs: number,
  ): Reservation {
    const reservation = new Reservation(this.#owner, key, demand, applied, shares, nowMs);
    reservation.place = this.#running.push(reservation) - 1;
    return reservation;
  }

  /** The last one takes the place of the one that has ended. */
  #end({ place }: Reservation): void {
    const last = this.#running.pop() as Reservation;
    if (place === this.#running.length) return;
    this.#running[place] = last;
    last.place = place;
  }

  /** null: the limits of the key are for all models, or the key is gone. */
  #chargedBudgets(key: LimitedKey, row: RowModels): readonly Budget[] | null {
    const state = this.#keys.get(key.name);
    return state === undefined || state.perModel.size === 0
      ? null
      : this.#join(state, countedNames(row)).budgets;
  }

  #appliedTo(key: LimitedKey, model: string | null, fallbacks: readonly string[] = []): Applied {
    const state = this.#stateOf(key);
    const { perModel, appliedTo } = state;
    if (perModel.size > 0 && fallbacks.length > 0)
      return this.#join(state, [...this.#allNames(model), ...fallbacks]);
    // Most keys have the same limits for all models.
    const name = perModel.size === 0 ? null : model;
    const known = appliedTo.get(name);
    if (known !== undefined) return known;
    const applied = this.#join(state, this.#allNames(name));
    if (appliedTo.size >= MAX_REMEMBERED_MODELS) appliedTo.clear();
    appliedTo.set(name, applied);
    return applied;
  }

  #allNames(model: string | null): readonly string[] {
    return model === null ? [] : [model, ...this.#namesOf(model)];
  }

  /** With the limits for some models that one of these names stands for. */
  #join({ own, perModel, team }: KeyState, names: readonly string[]): Applied {
    const ofModels = [...perModel.values()].filter(({ isFor }) => isFor(names));
    return new Applied([own, ...ofModels.map(({ entry }) => entry), ...(team === null ? [] : [team])]);
  }

  /** A request that began before its key was taken away is held to the limits that it came with. */
  #stateOf(key: LimitedKey): KeyState {
    return this.#keys.get(key.name) ?? this.#configure(key, undefined);
  }

  #configure(key: LimitedKey, before: KeyState | undefined): KeyState {
    const place: LimitPlace = { scope: "key", name: key.name, model: null };
    const own = before?.own ?? new EntryLimits(place);
    const perModel = new Map<string, ModelEntry>();
    if (key.limits !== null) {
      const { timeZone } = key.limits;
      own.configure(key.limits, timeZone, this.#book);
      for (const limits of key.limits.perModel) {
        const { model } = limits;
        const known = before?.perModel.get(model) ?? {
          entry: new EntryLimits({ ...place, model }),
          isFor: makeModelPattern(model),
        };
        known.entry.configure(limits, timeZone, this.#book);
        perModel.set(model, known);
      }
    }
    const team = key.team === null ? null : (this.#teams.get(key.team) ?? null);
    const state: KeyState = { own, perModel, team, appliedTo: new Map() };
    this.#keys.set(key.name, state);
    return state;
  }

  #budgetsOf(credentials: readonly BudgetedCredential[]): ReadonlyMap<string, readonly Budget[]> {
    return new Map(
      credentials.map((credential) => {
        const { id, timeZone } = credential;
        const place: LimitPlace = { scope: "credential", name: id, model: null };
        return [id, this.#book.budgetsOf(place, credential, timeZone)] as const;
      }),
    );
  }

  #allBudgets(): Budget[] {
    return [...this.#allEntries().flatMap(({ budgets }) => budgets), ...this.#credentials.values()].flat();
  }

  #allEntries(): EntryLimits[] {
    return [...this.#teams.values(), ...[...this.#keys.values()].flatMap(entriesOf)];
  }
}

function entriesOf({ own, perModel, team }: KeyState): EntryLimits[] {
  const ofModels = Array.from(perModel.values(), ({ entry }) => entry);
  return [own, ...ofModels, ...(team === null ? [] : [team])];
}
