/**
 * Each failure of the simulated providers, over HTTP: the client's reply, the state of the credential and its
 * time, and the credential that is asked next; also after a SIGKILL.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { parseFault } from "../../src/simulator/base/fault.ts";
import { scenarioReply } from "../../src/simulator/scenarios/scenario.ts";
import type { SeenRequest } from "../../src/simulator/server/recorder.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { type Gateway, IS_FULL, KEYS_TOML, runGateway, startGateway } from "../kit/gateway.ts";
import { type Asked, type AskOptions, ask } from "./asking.ts";
import { type Case, makeCases, otherModel } from "./credential-table.ts";

const AT_ONCE = 16;
/** A time in whole seconds differs by up to this much from the exact time. */
const ROUNDING_S = 2;

interface Facts {
  readonly state: string;
  readonly reason: string | null;
  readonly until: string | null;
}
interface Credential extends Facts {
  readonly upstream: string;
  readonly name: string;
  readonly models: readonly (Facts & { readonly model: string })[];
}

/**
 * Providers and a gateway. Every case has an upstream of its own with two credentials: one that fails and a
 * good one.
 */
class Stage {
  readonly cases: readonly Case[];
  readonly #simulator: Simulator;
  #gateway: Gateway;
  readonly #seen = new Map<string, string[]>();
  #seenUpTo = 0;

  private constructor(cases: readonly Case[], simulator: Simulator, gateway: Gateway) {
    this.cases = cases;
    this.#simulator = simulator;
    this.#gateway = gateway;
  }

  static async open(cases: readonly Case[], more: string): Promise<Stage> {
    const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
    const upstreams = cases.map(({ upstream, family, fault, line }, index) => {
      const baseUrl = family === "openai" ? `${simulator.url}/v1` : simulator.url;
      // The name of an account may hold a fault as a key may.
      const secret = (key: string): string =>
        family === "vertex" ? `'''${simulator.serviceAccount(key)}'''` : `"${key}"`;
      return [
        `[[upstreams]]\nname = "${upstream}"\nfamily = "${family}"\nbase_url = "${baseUrl}"`,
        `[[upstreams.credentials]]\nname = "first"\npriority = 0\napi_key = ${secret(`${plainKey(index, "a")}~${fault}${more}`)}\n${line}`,
        `[[upstreams.credentials]]\nname = "second"\npriority = 1\napi_key = ${secret(plainKey(index, "b"))}`,
      ].join("\n");
    });
    return new Stage(cases, simulator, await startGateway({ toml: `${KEYS_TOML}\n${upstreams.join("\n")}` }));
  }

  ask(one: Case, model: string, options: AskOptions = {}): Promise<Asked> {
    return ask(this.#gateway.url, one.way, { ...options, model: `${one.upstream}/${model}` });
  }

  /**
   * Runs `work` for every case, a few at once, and notes the credentials that the providers saw meanwhile.
   */
  async forEach(
    work: (one: Case, index: number) => Promise<void>,
    afterSome: (indexes: readonly number[]) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const indexes = [...this.cases.keys()];
    for (let from = 0; from < indexes.length; from += AT_ONCE) {
      const some = indexes.slice(from, from + AT_ONCE);
      await Promise.all(some.map((index) => work(this.cases[index] as Case, index)));
      await afterSome(some);
      await this.#look();
    }
  }

  /** The credentials of a case that were asked since the last call, in order. */
  takeAsked(index: number): string[] {
    const key = plainKey(index, "").slice(-3);
    const asked = this.#seen.get(key) ?? [];
    this.#seen.delete(key);
    return asked;
  }

  async credentials(): Promise<Listing> {
    const atMs = Date.now();
    const { exitCode, out, err } = await this.#gateway.command("credentials", "--json");
    if (exitCode !== 0) throw new Error(`clewline credentials failed: ${err}`);
    const all = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Credential => JSON.parse(line));
    const first = all.filter(({ name }) => name === "first").map((one) => [one.upstream, one] as const);
    return { credentials: new Map(first), atMs, doneMs: Date.now() };
  }

  /** Ends the gateway by SIGKILL and starts it again on the same folder. */
  async restart(): Promise<void> {
    const { folder, configFile, exited } = this.#gateway;
    this.#gateway.signal("SIGKILL");
    await exited;
    this.#gateway = await runGateway(folder, configFile, ["serve", "--config", configFile]);
  }

  async close(): Promise<void> {
    await this.#gateway.close();
    await this.#simulator.close();
  }

  async #look(): Promise<void> {
    const reply = await fetch(`${this.#simulator.url}/_simulator/requests?since=${this.#seenUpTo}`);
    for (const { n, keySuffix } of (await reply.json()) as SeenRequest[]) {
      this.#seenUpTo = n;
      const key = keySuffix.slice(0, 3);
      const asked = this.#seen.get(key) ?? [];
      asked.push(keySuffix.endsWith("a") ? "first" : "second");
      this.#seen.set(key, asked);
    }
  }
}

function plainKey(index: number, end: string): string {
  return `sk-clewline-${index.toString(36).padStart(3, "0")}${end}`;
}

/** The time at which an action began, and at which it was over. */
interface Span {
  readonly atMs: number;
  readonly doneMs: number;
}

interface Round extends Span {
  readonly asked: Asked;
  readonly by: readonly string[];
}

interface Listing extends Span {
  readonly credentials: ReadonlyMap<string, Credential>;
}

describe("every failure that the providers know", () => {
  const cases = makeCases();
  let stage: Stage;
  const rounds: Record<"first" | "again" | "otherModel" | "afterRestart" | "repeated", Round[]> = {
    first: [],
    again: [],
    otherModel: [],
    afterRestart: [],
    repeated: [],
  };
  let states: Listing;
  let statesAfterRestart: Listing;
  let statesRepeated: Listing;

  const play = async (to: Round[], modelOf: (one: Case) => string): Promise<void> => {
    const answers: (Span & { asked: Asked })[] = [];
    await stage.forEach(async (one, index) => {
      const atMs = Date.now();
      const asked = await stage.ask(one, modelOf(one));
      answers[index] = { asked, atMs, doneMs: Date.now() };
    });
    for (const [index, answer] of answers.entries()) to[index] = { ...answer, by: stage.takeAsked(index) };
  };
  const ownModel = (one: Case): string => one.way.recording.model;

  beforeAll(async () => {
    stage = await Stage.open(cases, "");
    await play(rounds.first, ownModel);
    states = await stage.credentials();
    await play(rounds.again, ownModel);
    await play(rounds.otherModel, otherModel);
    await stage.restart();
    statesAfterRestart = await stage.credentials();
    await play(rounds.afterRestart, ownModel);
    if (!IS_FULL) return;
    // Once the first half a minute is over, a request finds out whether the refusal still holds.
    await Bun.sleep(32_000);
    await play(rounds.repeated, otherModel);
    statesRepeated = await stage.credentials();
  }, 180_000);

  afterAll(() => stage.close());

  test.each(cases.map((one, index) => [one.name, one, index] as const))("%s", (_, one, index) => {
    const first = rounds.first[index] as Round;
    const again = rounds.again[index] as Round;
    const { park } = one;

    expectSeen(one, first);
    const isAnsweredBySecond = one.seen === "answer" && one.isFailure;
    const isAskedTwice = one.isRepaired || isAnsweredBySecond;
    const asked = isAskedTwice ? ["first", isAnsweredBySecond ? "second" : "first"] : ["first"];
    // Without a token no model is asked.
    expect(first.by).toEqual(one.scenario.place === "token" ? asked.slice(1) : asked);

    expectState(states, one, first);

    if (park !== null) expect(again.asked.completeAtMs).not.toBeNull();
    expectAsked(again, one.way.recording.model, one, first);
    expectAsked(rounds.otherModel[index] as Round, otherModel(one), one, first);
    expectState(statesAfterRestart, one, first);
    expectAsked(rounds.afterRestart[index] as Round, one.way.recording.model, one, first);
  });

  if (IS_FULL) {
    const unconfirmed = cases.flatMap((one, index) =>
      one.park?.isUnconfirmed ? [[one.name, one, index] as const] : [],
    );
    // No client's request alone brings a state without an end.
    test.each(unconfirmed)("a second refusal doubles the time: %s", (_, one, index) => {
      const { asked, by, atMs, doneMs } = rounds.repeated[index] as Round;
      expect(by).toEqual(one.scenario.place === "token" ? ["second"] : ["first", "second"]);
      expect(asked.completeAtMs).not.toBeNull();
      const { state, until } = statesRepeated.credentials.get(one.upstream) as Credential;
      expect(state).toBe(one.park?.state ?? "");
      expect(Date.parse(until ?? "")).toBeGreaterThan(atMs + (60 - ROUNDING_S) * 1_000);
      expect(Date.parse(until ?? "")).toBeLessThan(doneMs + (60 + ROUNDING_S) * 1_000);
    });
  }
});

describe("once the provider's time is over", () => {
  /** The outcome of asking for a case with several clients at once. */
  interface Probed {
    readonly one: Case;
    readonly by: readonly string[];
    readonly unserved: number;
    /** From when the first answer could come. */
    readonly span: Span;
    readonly listing: Listing;
  }

  const WAIT_S = 6;
  const CLIENTS = 6;
  /** Long enough for all clients to ask while the first request is under way. */
  const SLOW_MS = 2_000;
  const timed = makeCases().filter(({ park, tellsTime }) => park !== null && tellsTime);
  let recovering: Stage;
  let failing: Stage;

  beforeAll(async () => {
    recovering = await Stage.open(timed, `,reset=${WAIT_S},times=1`);
    failing = await Stage.open(timed, `,reset=${WAIT_S}`);
  }, 600_000);

  afterAll(async () => {
    await recovering.close();
    await failing.close();
  });

  /** Parks every first credential, waits until all are due, and asks with several clients at once. */
  async function probeAll(stage: Stage): Promise<Probed[]> {
    await stage.forEach(async (one) => {
      await stage.ask(one, one.way.recording.model);
    });
    for (const index of stage.cases.keys()) stage.takeAsked(index);
    // Providers that count in whole seconds may add almost one.
    await Bun.sleep((WAIT_S + 1) * 1000 + 200);
    const unserved: number[] = [];
    const spans: Span[] = [];
    const listings: Listing[] = [];
    await stage.forEach(
      async (one, index) => {
        const options = { headers: { "x-simulate": `stall,before-headers,ms=${SLOW_MS}` } };
        const atMs = Date.now() + SLOW_MS;
        const answers = await Promise.all(
          Array.from({ length: CLIENTS }, () => stage.ask(one, one.way.recording.model, options)),
        );
        spans[index] = { atMs, doneMs: Date.now() };
        unserved[index] = answers.filter(({ completeAtMs }) => completeAtMs === null).length;
      },
      async (indexes) => {
        const listing = await stage.credentials();
        for (const index of indexes) listings[index] = listing;
      },
    );
    return stage.cases.map((one, index) => ({
      one,
      by: stage.takeAsked(index),
      unserved: unserved[index] ?? CLIENTS,
      span: spans[index] as Span,
      listing: listings[index] as Listing,
    }));
  }

  /** The provider has announced the time, so the credential takes its turns again, also before an answer. */
  function expectTurns(one: Case, by: readonly string[], { atMs, doneMs }: Span): void {
    const turns = by.filter((name) => name === "first").length;
    const areAllInTime = doneMs - atMs < SLOW_MS;
    const isOneProbe = one.park?.isGuess === true;
    expect([one.name, areAllInTime && !isOneProbe ? turns > 1 : turns > 0]).toEqual([one.name, true]);
  }

  test("the credential is asked as often as the others, and a good answer brings it back", async () => {
    for (const { one, by, unserved, span, listing } of await probeAll(recovering)) {
      const state = listing.credentials.get(one.upstream);
      expectTurns(one, by, span);
      expect([one.name, unserved]).toEqual([one.name, 0]);
      expect([one.name, state]).toMatchObject([one.name, { state: "ready", models: [] }]);
    }
  }, 600_000);

  test("the credential is asked, and when it is refused again no client sees it", async () => {
    for (const { one, by, unserved, span, listing } of await probeAll(failing)) {
      expectTurns(one, by, span);
      expect([one.name, unserved]).toEqual([one.name, 0]);
      if (isStillParked(WAIT_S, span, listing) !== true) continue;
      const { state, models } = listing.credentials.get(one.upstream) as Credential;
      expect([one.name, models[0]?.state ?? state]).toEqual([one.name, one.park?.state ?? ""]);
    }
  }, 600_000);
});

/**
 * Whether a park lasted through a later action; null: it may have ended during the action, as on a busy
 * machine.
 */
function isStillParked(leftS: number | null, first: Span, later: Span): boolean | null {
  if (leftS === null || later.doneMs < first.atMs + (leftS - ROUNDING_S) * 1_000) return true;
  return later.atMs > first.doneMs + (leftS + ROUNDING_S) * 1_000 ? false : null;
}

/** Fails when a parked credential was asked in a later round, or one that was not parked was passed over. */
function expectAsked(later: Round, model: string, { park, way, scenario }: Case, first: Round): void {
  if (scenario.place === "headers") {
    // Its limit has no room for the request, or has some again by now.
    expect(later.by.length).toBeGreaterThan(0);
    return;
  }
  const isOut = park !== null && (park.on === "credential" || model === way.recording.model);
  const isParked = isOut && isStillParked(park.leftS(first.atMs), first, later);
  // A round between the two may have found the time to be too short, and have doubled it.
  if (isParked === false && isOut && park.isGuess) return;
  if (isParked !== null) expect(later.by).toEqual(isParked ? ["second"] : first.by);
}

function expectSeen(one: Case, { asked, atMs }: Round): void {
  const { status, text, completeAtMs } = asked;
  if (one.seen === "answer") {
    expect([status, completeAtMs === null ? text : "whole"]).toEqual([200, "whole"]);
    return;
  }
  expect(completeAtMs).toBeNull();
  if (one.seen === "an error in the stream") {
    expect(status).toBe(200);
    expect(text).toMatch(/"error"|"status":"failed"/);
    return;
  }
  const said = scenarioReply(one.scenario, parseFault(one.fault), one.way.recording.model, atMs);
  expect(status).toBe(said.status);
  const shown: unknown = JSON.parse(text);
  // HTML comes from a network in between: the dialect's own error takes its place.
  if (typeof said.body === "string") expect(text).toContain('"error":{');
  else expect(messageOf(shown)).toBe(messageOf(said.body));
}

function messageOf(body: unknown): string {
  const found = /"message":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(body))?.[1];
  if (found === undefined) throw new Error(`there is no message in ${JSON.stringify(body)}`);
  return JSON.parse(found) as string;
}

function expectState(listing: Listing, { park, way, upstream }: Case, first: Round): void {
  const credential = listing.credentials.get(upstream);
  if (credential === undefined) throw new Error("the credential is not listed");
  const onModel = credential.models.find(({ model }) => model === way.recording.model);
  if (park === null || park.on === "model") expect(credential.state).toBe("ready");
  if (park === null || park.on === "credential") expect(onModel).toBeUndefined();
  if (park === null || isStillParked(park.leftS(first.atMs), first, listing) !== true) return;
  const facts = park.on === "model" ? onModel : credential;
  expect(facts?.state).toBe(park.state);
  expect(facts?.reason?.startsWith("unconfirmed: ")).toBe(park.isUnconfirmed);
  const untilMs = facts?.until == null ? null : Date.parse(facts.until);
  const leftS = park.leftS(first.atMs);
  if (leftS === null || untilMs === null) {
    expect(untilMs).toBe(leftS);
    return;
  }
  expect(untilMs).toBeGreaterThan(first.atMs + (leftS - ROUNDING_S) * 1_000);
  expect(untilMs).toBeLessThan(first.doneMs + (leftS + ROUNDING_S) * 1_000);
}
