/** `clewline simulate`: serves providers that need no key, until a signal. */
import { helpPage } from "../simulator/server/help-page.ts";
import { startSimulator } from "../simulator/server/simulator.ts";
import { EXIT } from "./cli.ts";
import { makeCommand, parsePort } from "./command.ts";

export const simulate = makeCommand(
  {
    name: "simulate",
    usage: ["[--host ADDRESS] [--port PORT]"],
    about:
      "Serves OpenAI (Chat and Responses), Anthropic, Gemini and Vertex AI on one port, without a key or an account.",
    flags: {
      host: { value: "ADDRESS", help: "the address to listen on (default 127.0.0.1)" },
      port: { value: "PORT", help: "0: any free port (default 8585)" },
    },
    notes: `Every key is good. A word behind the key, or behind the model, orders a fault or an answer:

  api_key = "any~rate-limit,reset=30"   this key is limited, for 30 seconds
  gpt-5~cut,after=3                     the stream breaks off after three events
  gpt-5~calls=1                         the model calls a tool
  gpt-5~openai/invalid-key              OpenAI's own words for a wrong key

Servers that speak Chat in their own way, such as DeepSeek, are at /persona/NAME/v1. "clewline simulate --help --all" and
GET /_simulator/ list all faults, answers, personas and scenarios.`,
    allNotes: helpPage,
  },
  async ({ flags }, io) => {
    const { host = "127.0.0.1" } = flags;
    const port = parsePort(flags.port ?? "8585");
    try {
      const simulator = await startSimulator({ host, port, clock: io.clock, ids: io.ids });
      io.out(welcome(simulator.url));
      await io.stopped;
      await simulator.close();
      return EXIT.ok;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      io.err(
        `clewline simulate: cannot listen on ${host} port ${port}: ${reason}; choose another port with --port\n`,
      );
      return EXIT.failed;
    }
  },
);

function welcome(url: string): string {
  return `Simulated providers are at ${url} (every key is accepted; faults and answers to script: ${url}/_simulator/)

  family = "openai"     base_url = "${url}/v1"  dialects = ["openai-responses", "openai-chat"]
  family = "anthropic"  base_url = "${url}"
  family = "openai"     base_url = "${url}/persona/deepseek/v1"  server = "deepseek"  (and 20 more)
  family = "gemini"     base_url = "${url}"
  family = "vertex"     base_url = "${url}"  api_key: curl ${url}/_simulator/service-account
`;
}
