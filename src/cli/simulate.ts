// `clewline simulate`: providers that need no key, until a signal comes.

import { parseArgs } from "node:util";
import { helpPage } from "../simulator/scenarios/words.ts";
import { startSimulator } from "../simulator/server/simulator.ts";
import type { CliIo } from "./cli.ts";

const HELP = `Usage: clewline simulate [--host ADDRESS] [--port PORT]

Serves OpenAI (Chat and Responses), Anthropic and Gemini on one port, without a key or an account.

  --host ADDRESS  where to listen (default 127.0.0.1)
  --port PORT     0 takes any free port (default 8585)
  --help          this text, and what can be scripted: faults, what the model says, oddities, errors by name
`;

export async function simulate(args: readonly string[], io: CliIo): Promise<number> {
  const flags = readFlags(args);
  if (flags instanceof Error) {
    io.err(`clewline simulate: ${flags.message}\n\n${HELP}`);
    return 2;
  }
  if (flags.help) {
    io.out(`${HELP}\n${helpPage()}`);
    return 0;
  }
  const port = flags.port;
  try {
    const simulator = await startSimulator({ host: flags.host, port, clock: io.clock, ids: io.ids });
    io.out(welcome(simulator.url));
    await io.stopped;
    await simulator.close();
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.err(
      `clewline simulate: cannot listen on ${flags.host} port ${port}: ${reason}. Choose another one with --port.\n`,
    );
    return 1;
  }
}

interface Flags {
  readonly host: string;
  readonly port: number;
  readonly help: boolean;
}

function readFlags(args: readonly string[]): Flags | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "8585" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
      return new Error(`--port ${values.port} is not a port: give a number from 0 to 65535`);
    }
    return { host: values.host, port: Number(values.port), help: values.help };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function welcome(url: string): string {
  return `Simulated providers are at ${url} (any key is good; what can be scripted: ${url}/_simulator/)

  family = "openai"     base_url = "${url}/v1"
  family = "anthropic"  base_url = "${url}"
  family = "gemini"     base_url = "${url}"
`;
}
