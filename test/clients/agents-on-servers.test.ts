// Genuine coding agents do a task with models of servers that are strict in ways of their own: they read a file,
// write one and run a command. The short form tries one agent, because all of them are large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, IS_FULL, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import {
  type Gate,
  INSTALL_LIMIT_MS,
  installPrograms,
  PROGRAMS,
  type ProgramName,
  RUN_LIMIT_MS,
  runIn,
  setUp,
} from "./programs.ts";

/** The servers: each is a persona of the simulator, with a model that thinks. */
const SERVERS = {
  deepseek: "deepseek-v4-pro",
  mistral: "mistral-medium-3-5",
  openrouter: "anthropic/claude-sonnet-5",
  vllm: "qwen3-32b",
} as const;

type ServerName = keyof typeof SERVERS;

const AGENTS = (IS_FULL ? Object.keys(PROGRAMS) : ["qwen"]) as ProgramName[];
const CASES = AGENTS.flatMap((agent) =>
  (Object.keys(SERVERS) as ServerName[]).map((server) => [agent, server] as const),
);

let simulator: Simulator;
let gateway: Gateway;
let gate: Gate;
let commands: string;

beforeAll(async () => {
  commands = await installPrograms(...AGENTS);
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      ...Object.keys(SERVERS).map((name) =>
        upstreamToml(name, "openai", `${simulator.url}/persona/${name}/v1`, {
          lines: `server = "${name}"\ndialects = ["openai-chat"]`,
        }),
      ),
    ].join("\n"),
  });
  gate = { url: gateway.url, key: CLIENT_KEY, folder: gateway.folder };
}, INSTALL_LIMIT_MS);
afterAll(async () => {
  await gateway?.close();
  await simulator?.close();
});

/** Lets an agent read a file, write one and run a command, and checks all that and the rows of its requests. */
async function expectTaskDone(agent: ProgramName, server: ServerName, name: string): Promise<void> {
  const model = `${server}/${name}`;
  const { command, orders } = PROGRAMS[agent];
  const { home, env } = await setUp(
    agent,
    gate,
    commands,
    `${agent}-${server}-${name.replace("/", "-")}`,
    model,
  );
  const notes = join(home, "work/notes.txt");
  writeFileSync(notes, "The thread leads in.\n");
  const plan = join(home, "work/plan.txt");
  const task = [
    orders.read(notes),
    orders.write(plan, "Follow the thread."),
    orders.run("cp notes.txt copy.txt"),
  ];
  const before = (await gateway.rows()).length;

  const { out } = await runIn(home, commands, command(model, task.join(" ")), env);

  expect(readFileSync(plan, "utf8").trim()).toBe("Follow the thread.");
  expect(existsSync(join(home, "work/copy.txt"))).toBe(true);
  expect(out).toContain("The result of the tool has been read.");
  const rows = (await gateway.rows()).slice(before);
  expect(rows.length).toBeGreaterThanOrEqual(4);
  for (const row of rows)
    expect(row).toMatchObject({ status: 200, outcome: "ok", usage_state: "final", upstream: server });
}

test.each(CASES)(
  "%s does a task on %s",
  async (agent, server) => await expectTaskDone(agent, server, SERVERS[server]),
  RUN_LIMIT_MS,
);

// It asks for an answer of 32,000 tokens, which the model has no room for beside the prompt.
test.if(IS_FULL)(
  "claude goes on by itself on a model of 32k tokens",
  async () => await expectTaskDone("claude", "vllm", "local-32k"),
  RUN_LIMIT_MS,
);
