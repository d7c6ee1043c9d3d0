/**
 * A gateway in front of a simulated provider for each family, for tests of genuine clients.
 */
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { LIMITED } from "./scene.ts";

/** The families of upstreams, with the dialect that each speaks and a model that thinks and calls tools. */
export const FAMILIES = {
  anthropic: { family: "anthropic", model: "claude-sonnet-5", lines: "" },
  gemini: { family: "gemini", model: "gemini-3-flash", lines: "" },
  responses: { family: "openai", model: "gpt-5.4", lines: 'dialects = ["openai-responses"]' },
  compat: { family: "openai", model: "qwen3-32b", lines: 'dialects = ["openai-chat"]' },
} as const;

export type FamilyName = keyof typeof FAMILIES;

export const FAMILY_NAMES = Object.keys(FAMILIES) as FamilyName[];

/** Every row of a table for `describe.each` and `test.each`: a family and its model as a client names it. */
export const MODELS = FAMILY_NAMES.map((name) => [name, `${name}/${FAMILIES[name].model}`] as const);

/** The same model behind an upstream of its own, whose two credentials its provider limits. */
export const limitedModel = (family: FamilyName): string =>
  `${family}-limited/${FAMILIES[family].model}${LIMITED}`;

const HOUSE_MODEL = '[[models]]\nname = "house-model"\ntargets = ["openai/gpt-4.1"]\n';

export interface Stage extends Pick<Gateway, "url" | "folder" | "rows" | "row">, AsyncDisposable {
  /** The key that clients show. */
  readonly key: string;
  /** Ends the gateway by SIGTERM; throws when it does not end well, or when a secret is in its output. */
  close(): Promise<void>;
}

/** Each provider itself, for clients that speak its dialect. */
export async function openStage(): Promise<Stage> {
  return await open((simulatorUrl) => ({
    toml: [
      KEYS_TOML,
      upstreamToml("anthropic", "anthropic", simulatorUrl),
      upstreamToml("gemini", "gemini", simulatorUrl),
      upstreamToml("openai", "openai", `${simulatorUrl}/v1`),
      HOUSE_MODEL,
    ].join("\n"),
  }));
}

/**
 * Each family as an upstream of its own, and a second upstream with credentials for limits; white space after
 * a second's silence.
 */
export async function openFamilies(moreToml = ""): Promise<Stage> {
  return await open((simulatorUrl) => ({
    toml: [
      KEYS_TOML,
      ...FAMILY_NAMES.flatMap((name) => {
        const { family, lines } = FAMILIES[name];
        const url = family === "openai" ? `${simulatorUrl}/v1` : simulatorUrl;
        const credentials = { first: `sk-${name}-1-credential`, second: `sk-${name}-2-credential` };
        return [
          upstreamToml(name, family, url, { lines }),
          upstreamToml(`${name}-limited`, family, url, { lines, credentials }),
        ];
      }),
      moreToml,
    ].join("\n"),
    server: "keepalive_interval_s = 1",
  }));
}

/** Servers that are strict in ways of their own: each is a persona of the simulator, with a model that thinks. */
export const SERVERS = {
  deepseek: "deepseek-v4-pro",
  mistral: "mistral-medium-3-5",
  openrouter: "anthropic/claude-sonnet-5",
  vllm: "qwen3-32b",
} as const;

export type ServerName = keyof typeof SERVERS;

/** Each strict server as an upstream of its name. */
export async function openServers(): Promise<Stage> {
  return await open((simulatorUrl) => ({
    toml: [
      KEYS_TOML,
      ...Object.keys(SERVERS).map((name) =>
        upstreamToml(name, "openai", `${simulatorUrl}/persona/${name}/v1`, {
          lines: `server = "${name}"\ndialects = ["openai-chat"]`,
        }),
      ),
    ].join("\n"),
  }));
}

async function open(
  configure: (simulatorUrl: string) => { readonly toml: string; readonly server?: string },
): Promise<Stage> {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  let gateway: Gateway;
  try {
    gateway = await startGateway(configure(simulator.url));
  } catch (error) {
    await simulator.close();
    throw error;
  }
  const close = async (): Promise<void> => {
    try {
      const text = gateway.log();
      await gateway.close();
      if (text.includes(CLIENT_KEY) || text.includes("-credential"))
        throw new Error(`a secret is in the log:\n${text}`);
    } finally {
      await simulator.close();
    }
  };
  return {
    url: gateway.url,
    folder: gateway.folder,
    rows: gateway.rows,
    row: gateway.row,
    key: CLIENT_KEY,
    close,
    [Symbol.asyncDispose]: close,
  };
}
