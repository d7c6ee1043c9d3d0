// A trial without an account: one call of the admin, and there is somebody who answers.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Gateway, KEYS_TOML, startGateway, until } from "../../kit/gateway.ts";
import { ADMIN_TOML, type AdminClient, signIn } from "./admin-client.ts";

let gateway: Gateway;
let admin: AdminClient;
beforeAll(async () => {
  gateway = await startGateway({ toml: `${ADMIN_TOML}${KEYS_TOML}` });
  admin = await signIn(gateway);
});
afterAll(() => gateway.close());

const file = (): string => readFileSync(gateway.configFile, "utf8");
const ask = (model: string, path = "/v1/messages") =>
  admin("POST", "/try", {
    path,
    body: { model, max_tokens: 50, messages: [{ role: "user", content: "Say hello" }] },
  });

test("the simulator answers for every family as soon as the call returns, though its address is private", async () => {
  const before = file();
  const { status, body } = await admin("POST", "/simulator", {});
  expect([status, body.model]).toEqual([200, "simulated-openai/gpt-5.4"]);
  for (const model of [
    body.model,
    "simulated-anthropic/claude-haiku-4-5",
    "simulated-gemini/gemini-2.5-flash",
  ]) {
    const answer = await ask(model);
    expect([model, answer.status]).toEqual([model, 200]);
  }
  const { body: board } = await admin("GET", "/credentials");
  expect(board.credentials.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([
    ["simulated-openai/main", "ready"],
    ["simulated-anthropic/main", "ready"],
    ["simulated-gemini/main", "ready"],
  ]);
  // A second call finds all of it there.
  const again = file();
  expect((await admin("POST", "/simulator", {})).body.undo).toBeNull();
  expect(file()).toBe(again);
  // It is one change, which is taken back whole; a gateway that runs keeps its upstreams until its next start.
  const port = Number(/\[simulator\]\nport = (\d+)/.exec(file())?.[1]);
  expect((await fetch(`http://127.0.0.1:${port}/_simulator/`)).status).toBe(200);
  const undone = await admin("POST", `/audit/${body.undo.auditId}/undo`, {});
  expect([undone.status, file() === before]).toEqual([422, false]);
  expect(undone.body.error.message).toContain("no upstreams any more");
});

test("with another upstream the trial is taken back, and the simulator is gone", async () => {
  const { body: settings } = await admin("GET", "/settings");
  const added = await admin("POST", "/settings", {
    version: settings.version,
    changes: [
      {
        path: "upstreams",
        add: {
          name: "own",
          family: "anthropic",
          credentials: [{ name: "main", api_key: "sk-ant-own-0123456789" }],
        },
      },
    ],
  });
  expect(added.status).toBe(200);
  const { body: audit } = await admin("GET", "/audit");
  const use = audit.entries.find(({ what }: { what: string }) => what === "useSimulator");
  const port = Number(/\[simulator\]\nport = (\d+)/.exec(file())?.[1]);
  expect((await admin("POST", `/audit/${use.id}/undo`, {})).status).toBe(200);
  expect(file()).not.toContain("simulated-");
  expect(file()).not.toContain(`port = ${port}`);
  expect(file()).not.toContain("[simulator]");
  await until("the simulator is gone", () =>
    fetch(`http://127.0.0.1:${port}/_simulator/`).then(
      () => false,
      () => true,
    ),
  );
});
