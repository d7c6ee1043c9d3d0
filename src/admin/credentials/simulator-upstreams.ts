/** A trial without an account: simulated providers within the gateway, and upstreams that lead there. */
import type { Change } from "../../config/edit/change.ts";
import { isTree, parseToml, type Tree } from "../../config/toml/toml.ts";
import type { ConfigChanges } from "../config-changes.ts";
import type { AdminContext } from "../context.ts";
import type { Handlers } from "../handler.ts";

/** Any key is good. */
const CREDENTIALS = [{ name: "main", api_key: "any-key-will-do" }];
/** The first upstream, and a model that the simulator answers for. */
const FIRST_MODEL = "simulated-openai/gpt-5.4";

const upstreamsAt = (url: string): readonly (Tree & { readonly name: string })[] => [
  {
    name: "simulated-openai",
    family: "openai",
    base_url: `${url}/v1`,
    // As strict as OpenAI itself, which a compatible server is not taken for.
    dialects: ["openai-responses", "openai-chat"],
    credentials: CREDENTIALS,
  },
  { name: "simulated-anthropic", family: "anthropic", base_url: url, credentials: CREDENTIALS },
  { name: "simulated-gemini", family: "gemini", base_url: url, credentials: CREDENTIALS },
];

/** Made up, so that a first request has a cost, and no model is told to have none. */
const priceOf = ({ name }: { readonly name: string }): Tree => ({
  upstream: name,
  model: "*",
  input: 1,
  output: 5,
});

export function makeSimulatorHandlers(
  { settings, freeSimulatorPort }: AdminContext,
  changes: ConfigChanges,
): Pick<Handlers, "useSimulator"> {
  return {
    async useSimulator(actor) {
      const port = await freeSimulatorPort();
      // The address is the gateway's own choice, so it needs no `admin.allow_private`.
      const make = (text: string): readonly Change[] => {
        const wanted = changesFor(parseToml(text).root, port);
        if (wanted.length === 0) throw new NothingToChange();
        return wanted;
      };
      try {
        const made = await changes.make(actor, "useSimulator", () => settings.change(null, make));
        const undo = { auditId: made.auditId, untilMs: null };
        return { version: made.version, undo, model: FIRST_MODEL };
      } catch (cause) {
        if (!(cause instanceof NothingToChange)) throw cause;
        return { version: (await settings.read()).revision, undo: null, model: FIRST_MODEL };
      }
    },
  };
}

class NothingToChange extends Error {}

/** What is missing of the simulator and its upstreams. */
function changesFor({ simulator, upstreams }: Tree, freePort: number): readonly Change[] {
  const known = isTree(simulator) && typeof simulator.port === "number" ? simulator.port : null;
  const names = new Set(
    (Array.isArray(upstreams) ? upstreams : []).filter(isTree).map(({ name }) => String(name)),
  );
  const missing = upstreamsAt(`http://127.0.0.1:${known ?? freePort}`).filter(({ name }) => !names.has(name));
  return [
    ...(known === null ? [{ kind: "set", path: ["simulator", "port"], value: freePort } as const] : []),
    ...entriesFor("upstreams", missing),
    ...entriesFor("prices", missing.map(priceOf)),
  ];
}

function entriesFor(list: string, [value, ...more]: readonly Tree[]): readonly Change[] {
  return value === undefined ? [] : [{ kind: "insert", path: [list], at: null, value, more }];
}
