/**
 * The gateway in front of every persona of the simulator, each an upstream that the configuration names. Clients of Chat
 * are relayed, so their reader takes what servers send; the clients of the other dialects are those of the matrix.
 */
import { expect } from "bun:test";
import { SERVER_NAMES } from "../../src/config/upstreams/servers.ts";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { PERSONA_NAMES, PERSONAS } from "../../src/simulator/personas/personas.ts";
import { startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { anthropicMessages } from "./clients/anthropic-messages.ts";
import { gemini } from "./clients/gemini.ts";
import { laxChat } from "./clients/lax-chat.ts";
import { openaiResponses } from "./clients/openai-responses.ts";
import type { Ask, Client, DialectName, Told } from "./conversation.ts";
import type { Form } from "./matrix.ts";

export type PersonaName = (typeof PERSONA_NAMES)[number];

export const PERSONA_CLIENTS: Readonly<Record<DialectName, Client>> = {
  "openai-chat": laxChat,
  "openai-responses": openaiResponses,
  "anthropic-messages": anthropicMessages,
  gemini,
};

/** A provider of another make, whose calls a conversation may hold. */
export const ELSEWHERE = "elsewhere/claude-opus-4-6";

export interface Played {
  /** null: the answer was refused. */
  readonly told: Told | null;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The bodies that reached the persona for it. */
  readonly sent: readonly string[];
}

export interface PersonaStage extends Pick<Gateway, "rows"> {
  play(client: Client, ask: Ask, model: string, form: Form): Promise<Played>;
  /** The provider's own reply to a request. */
  askProvider(persona: PersonaName, body: string): Promise<string>;
  close(): Promise<void>;
}

function toml(url: string): string {
  const known: readonly string[] = SERVER_NAMES;
  return [
    KEYS_TOML,
    upstreamToml("elsewhere", "anthropic", url),
    ...PERSONA_NAMES.flatMap((name) => [
      upstreamToml(name, "openai", `${url}/persona/${name}/v1`, {
        lines: [known.includes(name) ? `server = "${name}"` : "", 'dialects = ["openai-chat"]'].join("\n"),
      }),
      // A limit that one test meets does not reach the others.
      'scope = "model"',
    ]),
  ].join("\n");
}

export async function openPersonaStage(): Promise<PersonaStage> {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  let gateway: Gateway;
  try {
    gateway = await startGateway({ toml: toml(simulator.url) });
  } catch (error) {
    await simulator.close();
    throw error;
  }
  return {
    rows: gateway.rows,
    async play(client, ask, model, form) {
      const { path, headers, body } = client.write(ask, model, form === "stream");
      const before = simulator.requests().at(-1)?.n ?? 0;
      const response = await fetch(gateway.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      const sent = simulator
        .requests(before)
        .map(({ bodyBase64 }) => Buffer.from(bodyBase64, "base64").toString("utf8"));
      const { status } = response;
      const told = status === 200 ? read(client, text, form) : null;
      return { told, status, text, headers: response.headers, sent };
    },
    async askProvider(persona, body) {
      const response = await fetch(`${simulator.url}/persona/${persona}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer sk-${persona}-credential`, "content-type": "application/json" },
        body,
      });
      return await response.text();
    },
    async close() {
      try {
        await gateway.close();
      } finally {
        await simulator.close();
      }
    },
  };
}

function read(client: Client, text: string, form: Form): Told {
  try {
    return form === "stream" ? client.readStream(text) : client.readWhole(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${String(cause)}\n${text.slice(0, 4_000)}`);
  }
}

/** The first model that a persona lists, with orders to it. */
export function modelOf(persona: PersonaName, words: string, model = PERSONAS[persona].models[0]): string {
  return `${persona}/${model}${words === "" ? "" : `~${words}`}`;
}

/** A good answer. */
export function good({ told, status, text }: Played): Told {
  expect({ status, text }).toMatchObject({ status: 200 });
  expect(told?.trouble ?? null).toBeNull();
  return told as Told;
}
