import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  CLIENT_KEY,
  type Gateway,
  HANG_MS,
  KEYS_TOML,
  makeFolder,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/watched-requests.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const PROMPT = "the secret of the labyrinth";
const CREDENTIAL = "sk-ant-credential-of-the-upstream";
const LIMITED = `${CREDENTIAL}~rate-limit,reset=60`;

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
});
afterAll(() => simulator.close());

const upstreams = (): string =>
  `[[prices]]\nmodel = "*"\ninput = 2\noutput = 10\n\n` +
  upstreamToml("claude", "anthropic", simulator.url, { credentials: { limited: LIMITED, main: CREDENTIAL } });

function ask(url: string, key: string, model = "claude-haiku-4-5"): Promise<Response> {
  return fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ model, max_tokens: 100, messages: [{ role: "user", content: PROMPT }] }),
  });
}

/** The gateway as a person starts it: on a terminal. */
async function startOnTerminal(env: Readonly<Record<string, string>> = {}, toml = upstreams()) {
  const folder = makeFolder();
  const file = join(folder, "clewline.toml");
  const dataDir = JSON.stringify(join(folder, "data"));
  writeFileSync(file, `[server]\nport = 0\ndata_dir = ${dataDir}\n${KEYS_TOML}\n${toml}`, {
    mode: 0o600,
  });
  const decoder = new TextDecoder();
  let screen = "";
  const child = Bun.spawn([process.execPath, MAIN, "--config", file], {
    env: { PATH: process.env.PATH ?? "", HOME: folder, TERM: "xterm", ...env },
    terminal: {
      cols: 200,
      rows: 50,
      data: (_terminal, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const shows = (text: string | RegExp) =>
    until(`the screen shows ${text}`, () =>
      typeof text === "string" ? screen.includes(text) : text.test(screen),
    );
  await shows("Anthropic Messages");
  const [, url = ""] = /Anthropic Messages\s+(http:\S+)/.exec(screen) ?? [];
  return {
    url,
    shows,
    screen: () => screen.replaceAll("\r", ""),
    close: async () => {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describeKind(kind, () => {
  test(
    "reported: on a terminal a request is one readable line, without colour too",
    async () => {
      const gateway = await startOnTerminal({ NO_COLOR: "1" });
      try {
        expect((await ask(gateway.url, CLIENT_KEY)).status).toBe(200);
        await gateway.shows("200 ok");
        expect((await ask(gateway.url, "clw-wrong")).status).toBe(401);
        await gateway.shows("401 refused");
        const lines = gateway.screen().split("\n");
        expect(lines.filter((line) => line.includes("200 ok"))).toEqual([
          expect.stringMatching(
            /^\d\d:\d\d:\d\d {2}200 ok {7}tester {2}claude-haiku-4-5 → claude\/main {2}\d+ in, \d+ out {2}\$0\.\d+ {2}[\d.]+m?s {2}after claude\/limited: rate 429$/,
          ),
        ]);
        expect(lines.filter((line) => line.includes("401 refused"))).toEqual([
          expect.stringMatching(/^\S+ {2}401 refused {2}- {2}POST \/v1\/messages {2}.*key/),
        ]);
        // What the gateway itself has to say is for people as well.
        expect(lines.filter((line) => line.includes("listening"))).toEqual([
          expect.stringContaining("is listening."),
        ]);
        expect(gateway.screen()).not.toContain("{");
        for (const secret of [PROMPT, CREDENTIAL, CLIENT_KEY, "clw-wrong", "\u001b"])
          expect(gateway.screen()).not.toContain(secret);
      } finally {
        await gateway.close();
      }
    },
    HANG_MS,
  );

  test(
    "an upstream that is away is one line, each request another, and neither repeats itself",
    async () => {
      const away = upstreamToml("claude", "anthropic", "http://127.0.0.1:9");
      const gateway = await startOnTerminal({ NO_COLOR: "1" }, away);
      try {
        for (let request = 0; request < 2; request++)
          expect((await ask(gateway.url, CLIENT_KEY)).status).toBe(500);
        await gateway.shows("the upstream cannot be reached");
        const lines = gateway.screen().split("\n");
        expect(
          lines.filter((line) => line.includes("an attempt has failed: the upstream cannot")),
        ).toHaveLength(1);
        const failed = lines.filter((line) => line.includes("500 failed"));
        expect(failed.length).toBeGreaterThan(0);
        for (const line of failed)
          expect(line).toMatch(
            /claude\/main: no connection( \(\d times\))? {2}the upstream cannot be reached; check/,
          );
        expect(gateway.screen()).toMatch(/configuration +\/.*clewline\.toml/);
        expect(gateway.screen()).toMatch(/data +\/.*data/);
      } finally {
        await gateway.close();
      }
    },
    HANG_MS,
  );

  test(
    "colours say the same once more, and a name from outside cannot paint",
    async () => {
      const gateway = await startOnTerminal();
      try {
        await ask(gateway.url, CLIENT_KEY);
        await gateway.shows("\u001b[32m200 ok\u001b[0m");
        await ask(gateway.url, CLIENT_KEY, "nobody-\u001b[31m");
        await gateway.shows("nobody-\\u001b[31m");
        await ask(gateway.url, "clw-wrong");
        await gateway.shows("\u001b[33m401 refused\u001b[0m");
      } finally {
        await gateway.close();
      }
    },
    HANG_MS,
  );

  for (const [requests, expected] of [
    ["", ["401", "404"]],
    ["[log]\nrequests = true\n", ["200", "401", "404"]],
  ] as const) {
    test(`elsewhere lines are JSON: ${requests === "" ? "failures alone" : "all, where they are wanted"}`, async () => {
      const gateway: Gateway = await startGateway({ toml: `${requests}${KEYS_TOML}\n${upstreams()}` });
      try {
        await ask(gateway.url, CLIENT_KEY);
        await ask(gateway.url, "clw-wrong");
        await fetch(`${gateway.url}/v9/nothing?key=${CLIENT_KEY}`);
        await until("the path is in the log", () => gateway.log().includes("/v9/nothing"));
        const lines = gateway
          .log()
          .split("\n")
          .filter((line) => line.includes('"msg":"request"'))
          .map((line) => JSON.parse(line));
        expect(lines.map(({ status }) => String(status)).toSorted()).toEqual([...expected]);
        expect(lines.find(({ status }) => status === 404)).toMatchObject({
          asked: "GET /v9/nothing",
          reason: expect.stringContaining("there is nothing at GET /v9/nothing"),
        });
        for (const secret of [PROMPT, CREDENTIAL, CLIENT_KEY, "clw-wrong"])
          expect(gateway.log()).not.toContain(secret);
      } finally {
        await gateway.close();
      }
    });
  }

  /** A path with a part too many, and the route that it means. */
  const SLIPS = [
    ["reported: ", "/v1/chat/completions/chat/completions", "/v1/chat/completions"],
    ["", "/api/v1/chat/completions", "/v1/chat/completions"],
    ["", "/v1/messages/v1/messages", "/v1/messages"],
    ["", "/anthropic/v1/messages", "/v1/messages"],
    ["", "/openai/v1/responses", "/v1/responses"],
    ["", "/google/v1beta/models/gemini-3-flash:generateContent", "/v1beta/models/{model...}:generateContent"],
    ["reported: ", "/nothing/like/it", null],
  ] as const;
  const ENVELOPES = [
    ["openai-chat", {}, ({ error }: Body) => error.message],
    ["anthropic-messages", { "anthropic-version": "2023-06-01" }, ({ error }: Body) => error.message],
    ["gemini", { "x-goog-api-key": "k" }, ({ error }: Body) => error.message],
  ] as const;
  interface Body {
    readonly error: { readonly message: string };
  }

  test("a path that leads nowhere is named in the reply, in every dialect, with the one that was meant", async () => {
    const gateway = await startGateway({ toml: `${KEYS_TOML}\n${upstreams()}` });
    try {
      for (const [, path, meant] of SLIPS) {
        for (const [dialect, headers, textOf] of ENVELOPES) {
          const reply = await fetch(`${gateway.url}${path}?key=${CLIENT_KEY}`, { method: "POST", headers });
          const text = textOf((await reply.json()) as Body);
          const told = [dialect, path, reply.status, text];
          expect(told).toEqual([dialect, path, 404, expect.stringContaining(`nothing at POST ${path};`)]);
          expect(told).toEqual([
            dialect,
            path,
            404,
            expect.stringContaining(meant === null ? "docs/routes.md" : `did you mean ${meant}?`),
          ]);
          expect(text).not.toContain(CLIENT_KEY);
        }
      }
      const withKey = await fetch(`${gateway.url}/${CLIENT_KEY}/v1/nothing`);
      expect(await withKey.text()).not.toContain(CLIENT_KEY);
      expect(gateway.log()).not.toContain(CLIENT_KEY);
    } finally {
      await gateway.close();
    }
  });
});
