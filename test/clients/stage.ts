/**
 * A gateway in front of a simulated provider for each family, for tests of genuine clients.
 */
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";

const HOUSE_MODEL = '[[models]]\nname = "house-model"\ntargets = ["openai/gpt-4.1"]\n';

export interface Stage extends Pick<Gateway, "url" | "folder" | "rows" | "row"> {
  /** The key that clients show. */
  readonly key: string;
  /** Ends the gateway as an operator would; throws when it does not end well, or when a secret is in what it printed. */
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const upstreams = [
    upstreamToml("anthropic", "anthropic", simulator.url),
    upstreamToml("gemini", "gemini", simulator.url),
    upstreamToml("openai", "openai", `${simulator.url}/v1`),
  ];
  let gateway: Gateway;
  try {
    gateway = await startGateway({ toml: [KEYS_TOML, ...upstreams, HOUSE_MODEL].join("\n") });
  } catch (error) {
    await simulator.close();
    throw error;
  }
  return {
    url: gateway.url,
    folder: gateway.folder,
    rows: gateway.rows,
    row: gateway.row,
    key: CLIENT_KEY,
    async close() {
      try {
        const text = gateway.log();
        await gateway.close();
        if (text.includes(CLIENT_KEY) || text.includes("-credential"))
          throw new Error(`a secret is in the log:\n${text}`);
      } finally {
        await simulator.close();
      }
    },
  };
}
