import { afterAll, beforeAll, expect, test } from "bun:test";
import { SERVER_NAMES } from "../../src/config/upstreams/servers.ts";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { PERSONA_NAMES, PERSONAS } from "../../src/simulator/personas/personas.ts";
import type { Meaning, Scenario } from "../../src/simulator/scenarios/scenario.ts";
import { SCENARIOS } from "../../src/simulator/scenarios/scenarios.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { user } from "../matrix/conversation.ts";
import { PERSONA_CLIENTS } from "../matrix/persona-stage.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/server-throttles.ts";

type PersonaName = (typeof PERSONA_NAMES)[number];
const DIALECTS = Object.keys(PERSONA_CLIENTS) as (keyof typeof PERSONA_CLIENTS)[];

/** Further words of a server for what it has words for already. */
const MORE: Readonly<Partial<Record<PersonaName, readonly string[]>>> = {
  deepseek: ["compat/deepseek-concurrency"],
  moonshot: ["compat/concurrency"],
};

/** What becomes of the credential. */
const STATES: Readonly<Record<Meaning, string>> = {
  rate: "cooling",
  quota: "exhausted",
  credit: "exhausted",
  invalid: "cooling",
  misconfigured: "cooling",
  forbidden: "forbidden",
  overloaded: "ready",
  ok: "ready",
  "bad-request": "ready",
};
const ALL: Readonly<Record<string, Scenario>> = SCENARIOS;

interface Case {
  readonly persona: PersonaName;
  readonly scenario: string;
  readonly upstream: (dialect: string) => string;
}

const CASES: readonly Case[] = PERSONA_NAMES.flatMap((persona) =>
  [...new Set([...Object.values(PERSONAS[persona].faults), ...(MORE[persona] ?? [])])].map((scenario) => ({
    persona,
    scenario,
    upstream: (dialect: string) =>
      `${persona}-${scenario}-${dialect}`.replaceAll(/[^a-z0-9]+/g, "-").slice(0, 64),
  })),
);

interface Credential {
  readonly upstream: string;
  readonly name: string;
  readonly state: string;
  readonly models: readonly { readonly state: string }[];
}

describeKind(kind, () => {
  let simulator: Simulator;
  let gateway: Gateway;

  beforeAll(async () => {
    simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
    const upstreams = CASES.flatMap(({ persona, scenario, upstream }, n) =>
      DIALECTS.map((dialect) => {
        const isNamed = (SERVER_NAMES as readonly string[]).includes(persona);
        const key = `sk-${n}-${dialect}`;
        return [
          `[[upstreams]]\nname = "${upstream(dialect)}"\nfamily = "openai"`,
          `base_url = "${simulator.url}/persona/${persona}/v1"`,
          `dialects = ["openai-chat"]${isNamed ? `\nserver = "${persona}"` : ""}`,
          `[[upstreams.credentials]]\nname = "first"\npriority = 0\napi_key = "${key}-a~${scenario}"`,
          `[[upstreams.credentials]]\nname = "second"\npriority = 1\napi_key = "${key}-b"`,
        ].join("\n");
      }),
    );
    gateway = await startGateway({ toml: [KEYS_TOML, ...upstreams].join("\n") });
  });
  afterAll(async () => {
    await gateway?.close();
    await simulator?.close();
  });

  /** The states of the credentials that were asked first, by upstream. */
  async function states(): Promise<ReadonlyMap<string, string>> {
    const { out } = await gateway.command("credentials", "--json");
    const all = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Credential);
    return new Map(
      all
        .filter(({ name }) => name === "first")
        .map(({ upstream, state, models }) => {
          const ofModel = models.find((one) => one.state !== "ready")?.state;
          return [upstream, state === "ready" ? (ofModel ?? "ready") : state];
        }),
    );
  }

  for (const one of CASES) {
    const scenario = ALL[one.scenario] as Scenario;
    test(`${one.persona}: ${scenario.signal}: ${STATES[scenario.meaning]}, for clients of all dialects, whole and streamed`, async () => {
      const [model] = PERSONAS[one.persona].models;
      for (const [n, dialect] of DIALECTS.entries()) {
        const client = PERSONA_CLIENTS[dialect];
        const isStream = n % 2 === 1;
        const name = `${one.upstream(dialect)}/${model}`;
        const { path, headers, body } = client.write({ turns: [user("Hello there")] }, name, isStream);
        const response = await fetch(gateway.url + path, {
          method: "POST",
          headers: {
            authorization: `Bearer ${CLIENT_KEY}`,
            "content-type": "application/json",
            ...headers,
          },
          body: JSON.stringify(body),
        });
        const text = await response.text();
        expect([dialect, response.status, text.slice(0, 300)]).toEqual([dialect, 200, expect.any(String)]);
        const told = isStream ? client.readStream(text) : client.readWhole(JSON.parse(text));
        expect([dialect, told.text]).toEqual([dialect, expect.stringContaining("Hello there")]);
      }
      const found = await states();
      for (const dialect of DIALECTS)
        expect([dialect, found.get(one.upstream(dialect))]).toEqual([dialect, STATES[scenario.meaning]]);
    });
  }
});
