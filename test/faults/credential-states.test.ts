/**
 * Each failure that the simulated providers know, over HTTP: what the client sees, what it makes of the credential and for how long,
 * and which credential is asked next; also after a SIGKILL.
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
/** What a request and a listing may take. */
const SLACK_S = 3;

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

/** Providers and a gateway in which every case has an upstream with two credentials for itself: a failing one and a good one. */
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
      return [
        `[[upstreams]]\nname = "${upstream}"\nfamily = "${family}"\nbase_url = "${baseUrl}"`,
        `[[upstreams.credentials]]\nname = "first"\npriority = 0\napi_key = "${plainKey(index, "a")}~${fault}${more}"\n${line}`,
        `[[upstreams.credentials]]\nname = "second"\npriority = 1\napi_key = "${plainKey(index, "b")}"`,
      ].join("\n");
    });
    return new Stage(cases, simulator, await startGateway({ toml: `${KEYS_TOML}\n${upstreams.join("\n")}` }));
  }

  ask(one: Case, model: string, options: AskOptions = {}): Promise<Asked> {
    return ask(this.#gateway.url, one.way, { ...options, model: `${one.upstream}/${model}` });
  }

  /** Does something for every case, a few at once, and notes whom the providers saw meanwhile. */
  async forEach(work: (one: Case, index: number) => Promise<void>): Promise<void> {
    for (let from = 0; from < this.cases.length; from += AT_ONCE) {
      await Promise.all(this.cases.slice(from, from + AT_ONCE).map((one, i) => work(one, from + i)));
      await this.#look();
    }
  }

  /** Which credentials of a case have been asked since this was called last, in order. */
  takeAsked(index: number): string[] {
    const key = plainKey(index, "").slice(-3);
    const asked = this.#seen.get(key) ?? [];
    this.#seen.delete(key);
    return asked;
  }

  async credentials(): Promise<ReadonlyMap<string, Credential>> {
    const { exitCode, out, err } = await this.#gateway.command("credentials", "--json");
    if (exitCode !== 0) throw new Error(`clewline credentials failed: ${err}`);
    const all = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Credential => JSON.parse(line));
    return new Map(all.filter(({ name }) => name === "first").map((one) => [one.upstream, one]));
  }

  /** Ends the gateway without a warning and starts it again on the same folder. */
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

interface Round {
  readonly asked: Asked;
  readonly by: readonly string[];
  readonly atMs: number;
}

describe("every failure that the providers know", () => {
  const cases = makeCases();
  let stage: Stage;
  const rounds: Record<"first" | "again" | "otherModel" | "afterRestart" | "confirmed", Round[]> = {
    first: [],
    again: [],
    otherModel: [],
    afterRestart: [],
    confirmed: [],
  };
  let states: ReadonlyMap<string, Credential>;
  let statesAfterRestart: ReadonlyMap<string, Credential>;
  let statesConfirmed: ReadonlyMap<string, Credential>;

  const play = async (to: Round[], modelOf: (one: Case) => string): Promise<void> => {
    const answers: { asked: Asked; atMs: number }[] = [];
    await stage.forEach(async (one, index) => {
      const atMs = Date.now();
      answers[index] = { asked: await stage.ask(one, modelOf(one)), atMs };
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
    // A second refusal counts once the first is half a minute old.
    await Bun.sleep(32_000);
    await play(rounds.confirmed, otherModel);
    statesConfirmed = await stage.credentials();
  }, 180_000);

  afterAll(() => stage.close());

  test.each(cases.map((one, index) => [one.name, one, index] as const))("%s", (_, one, index) => {
    const first = rounds.first[index] as Round;
    const again = rounds.again[index] as Round;
    const { park } = one;

    expectSeen(one, first);
    const isAnsweredBySecond = one.seen === "answer" && one.isFailure;
    expect(first.by).toEqual(isAnsweredBySecond ? ["first", "second"] : ["first"]);

    expectState(states.get(one.upstream), one, first.atMs);

    if (park !== null) expect(again.asked.completeAtMs).not.toBeNull();
    expect(again.by).toEqual(isParkedFor(one.way.recording.model, one, first, again) ? ["second"] : first.by);

    const other = rounds.otherModel[index] as Round;
    expect(other.by).toEqual(isParkedFor(otherModel(one), one, first, other) ? ["second"] : first.by);

    const later = rounds.afterRestart[index] as Round;
    expectState(statesAfterRestart.get(one.upstream), one, first.atMs);
    expect(later.by).toEqual(isParkedFor(one.way.recording.model, one, first, later) ? ["second"] : first.by);
  });

  if (IS_FULL) {
    const unconfirmed = cases.flatMap((one, index) =>
      one.park?.isUnconfirmed ? [[one.name, one, index] as const] : [],
    );
    test.each(unconfirmed)("a second refusal is believed: %s", (_, one, index) => {
      const { asked, by } = rounds.confirmed[index] as Round;
      expect(by).toEqual(["first", "second"]);
      expect(asked.completeAtMs).not.toBeNull();
      expect(statesConfirmed.get(one.upstream)).toMatchObject({ state: "invalid", until: null });
    });
  }
});

describe("once the provider's time is over", () => {
  const WAIT_S = 3;
  const CLIENTS = 6;
  const SLOW_MS = 300;
  const timed = makeCases().filter(({ park, tellsTime }) => park !== null && tellsTime);
  let recovering: Stage;
  let failing: Stage;

  beforeAll(async () => {
    recovering = await Stage.open(timed, `,reset=${WAIT_S},times=1`);
    failing = await Stage.open(timed, `,reset=${WAIT_S}`);
  }, 30_000);

  afterAll(async () => {
    await recovering.close();
    await failing.close();
  });

  /** Parks every first credential, waits until all are due, and asks with several clients at once; who is asked then, by case. */
  async function probeAll(stage: Stage): Promise<{ by: string[]; unserved: number }[]> {
    await stage.forEach(async (one) => {
      await stage.ask(one, one.way.recording.model);
    });
    for (const index of stage.cases.keys()) stage.takeAsked(index);
    // Providers that count in whole seconds may add almost one.
    await Bun.sleep((WAIT_S + 1) * 1000 + 200);
    const results: { by: string[]; unserved: number }[] = [];
    await stage.forEach(async (one, index) => {
      const options = { headers: { "x-simulate": `stall,before-headers,ms=${SLOW_MS}` } };
      const answers = await Promise.all(
        Array.from({ length: CLIENTS }, () => stage.ask(one, one.way.recording.model, options)),
      );
      results[index] = {
        by: [],
        unserved: answers.filter(({ completeAtMs }) => completeAtMs === null).length,
      };
    });
    for (const [index, result] of results.entries()) result.by.push(...stage.takeAsked(index));
    return results;
  }

  test("one request asks first while all others go elsewhere, and a good answer brings the credential back", async () => {
    const results = await probeAll(recovering);
    const states = await recovering.credentials();
    for (const [index, { by, unserved }] of results.entries()) {
      const one = recovering.cases[index] as Case;
      expect([one.name, by.filter((name) => name === "first").length, unserved]).toEqual([one.name, 1, 0]);
      expect([one.name, states.get(one.upstream)]).toMatchObject([one.name, { state: "ready", models: [] }]);
    }
  }, 60_000);

  test("one request asks first, and when it is refused again no client sees it", async () => {
    const results = await probeAll(failing);
    const states = await failing.credentials();
    for (const [index, { by, unserved }] of results.entries()) {
      const one = failing.cases[index] as Case;
      expect([one.name, by.filter((name) => name === "first").length, unserved]).toEqual([one.name, 1, 0]);
      const { state, models } = states.get(one.upstream) as Credential;
      expect([one.name, models[0]?.state ?? state]).toEqual([one.name, one.park?.state ?? ""]);
    }
  }, 60_000);
});

/** Whether the first credential is out for a model in a later round; not when the time is just about over. */
function isParkedFor(model: string, { park, way }: Case, first: Round, later: Round): boolean {
  if (park === null || (park.on === "model" && model !== way.recording.model)) return false;
  return park.leftS === null || (later.atMs - first.atMs) / 1000 < park.leftS;
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
  // What a network edge says in HTML is no word of the provider: the dialect's own error stands in for it.
  if (typeof said.body === "string") expect(text).toContain('"error":{');
  else expect(messageOf(shown)).toBe(messageOf(said.body));
}

function messageOf(body: unknown): string {
  const found = /"message":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(body))?.[1];
  if (found === undefined) throw new Error(`there is no message in ${JSON.stringify(body)}`);
  return JSON.parse(found) as string;
}

function expectState(credential: Credential | undefined, { park, way }: Case, atMs: number): void {
  if (credential === undefined) throw new Error("the credential is not listed");
  const onModel = credential.models.find(({ model }) => model === way.recording.model);
  if (park === null || park.on === "model") expect(credential.state).toBe("ready");
  if (park === null || park.on === "credential") expect(onModel).toBeUndefined();
  if (park === null) return;
  const facts = park.on === "model" ? onModel : credential;
  expect(facts?.state).toBe(park.state);
  expect(facts?.reason?.startsWith("unconfirmed: ")).toBe(park.isUnconfirmed);
  const leftS = facts?.until == null ? null : (Date.parse(facts.until) - atMs) / 1000;
  if (park.leftS === null || leftS === null) {
    expect(leftS).toBe(park.leftS);
    return;
  }
  expect(leftS).toBeGreaterThan(park.leftS - SLACK_S);
  expect(leftS).toBeLessThan(park.leftS + SLACK_S);
}
