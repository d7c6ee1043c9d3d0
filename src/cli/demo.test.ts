// The command that shows the gateway at work.
import { expect, test } from "bun:test";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { CliIo } from "./cli.ts";
import { demo } from "./demo.ts";

const QUESTION = "What is a clew?";
const MESSAGES = [{ role: "user", content: QUESTION }];

/** A request for a model in each dialect: its path and its body. */
const REQUESTS: readonly ((model: string) => readonly [path: string, body: object])[] = [
  (model) => ["/v1/chat/completions", { model, messages: MESSAGES }],
  (model) => ["/v1/responses", { model, input: QUESTION }],
  (model) => ["/v1/messages", { model, max_tokens: 300, messages: MESSAGES }],
  (model) => [
    `/v1beta/models/${model}:generateContent`,
    { contents: [{ role: "user", parts: [{ text: QUESTION }] }], generationConfig: { maxOutputTokens: 300 } },
  ],
];

test("shows everything, then serves each model that it names to the clients of each dialect", async () => {
  const written = { out: "", err: "" };
  const stop = Promise.withResolvers<void>();
  const served = Promise.withResolvers<void>();
  const io: CliIo = {
    out(text) {
      written.out += text;
      if (text.includes("serves until Ctrl-C")) served.resolve();
    },
    err(text) {
      written.err += text;
    },
    env: {},
    cwd: "/",
    clock: systemClock,
    ids: makeIds(),
    stopped: stop.promise,
    onReload() {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "/opt/bun /src/main.ts",
    isTty: false,
  };
  const code = demo(["--port", "0"], io);
  await Promise.race([served.promise, code]);

  const url = /base URL (\S+)\/v1/.exec(written.out)?.[1] ?? "";
  const key = /key (\S+)/.exec(written.out)?.[1] ?? "";
  const models = /reaches every model: (.*)\./.exec(written.out)?.[1]?.split(", ") ?? [];
  expect(models).toHaveLength(3);
  for (const model of models) {
    for (const make of REQUESTS) {
      const [path, body] = make(model);
      const reply = await fetch(url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await reply.text();
      expect(text, `${model} at ${path}`).toContain(`This is ${model}, simulated.`);
      expect(reply.status).toBe(200);
    }
  }
  expect(written.out).toMatch(/^ {2}\/opt\/bun \/src\/main\.ts requests --config \/.+\/clewline\.toml$/m);
  stop.resolve();
  expect(await code).toBe(0);
  expect(written.err).toBe("");
}, 60_000);
