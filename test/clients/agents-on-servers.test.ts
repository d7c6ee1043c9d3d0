// Genuine coding agents do a task with models of servers that are strict in ways of their own: they read a file,
// write one and run a command. The short form tries one agent, because all of them are large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IS_FULL } from "../kit/gateway.ts";
import {
  INSTALL_LIMIT_MS,
  installPrograms,
  PROGRAMS,
  type ProgramName,
  RUN_LIMIT_MS,
  runIn,
  setUp,
} from "./programs.ts";
import { openServers, SERVERS, type ServerName, type Stage } from "./stage.ts";

const AGENTS = (IS_FULL ? Object.keys(PROGRAMS) : ["qwen"]) as ProgramName[];
const CASES = AGENTS.flatMap((agent) =>
  (Object.keys(SERVERS) as ServerName[]).map((server) => [agent, server] as const),
);

let stage: Stage;
let commands: string;

beforeAll(async () => {
  commands = await installPrograms(...AGENTS);
  stage = await openServers();
}, INSTALL_LIMIT_MS);
afterAll(async () => await stage?.close());

/** Lets an agent read a file, write one and run a command, and checks all that and the rows of its requests. */
async function expectTaskDone(agent: ProgramName, server: ServerName, name: string): Promise<void> {
  const model = `${server}/${name}`;
  const { command, orders } = PROGRAMS[agent];
  const { home, env } = await setUp(
    agent,
    stage,
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
  const before = (await stage.rows()).length;

  const { out } = await runIn(home, commands, command(model, task.join(" ")), env);

  expect(readFileSync(plan, "utf8").trim()).toBe("Follow the thread.");
  expect(existsSync(join(home, "work/copy.txt"))).toBe(true);
  expect(out).toContain("The result of the tool has been read.");
  const rows = (await stage.rows()).slice(before);
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
