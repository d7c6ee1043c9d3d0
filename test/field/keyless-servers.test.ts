import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_KEY, KEYS_TOML, makeFolder, runProgram, startGateway } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/keyless-servers.ts";

const upstream = (url: string, family = "openai"): string =>
  `[[upstreams]]\nname = "local"\nfamily = "${family}"\n${url === "" ? "" : `base_url = "${url}"\n`}`;

const NEAR = [
  ["reported: ", "http://127.0.0.1:8080/v1"],
  ["", "http://localhost:11434/v1"],
  ["", "http://[::1]:1234/v1"],
  ["", "http://192.168.1.20:8000/v1"],
  ["", "http://10.0.0.7/v1"],
  ["", "http://[fd00::7]:8000/v1"],
  ["", "http://ollama:11434/v1"],
  ["", "http://host.docker.internal:8080/v1"],
  ["", "https://gpu.local/v1"],
] as const;
const FAR = [
  ["", ""],
  ["", "https://api.openai.com/v1"],
  ["", "https://api.groq.com/openai/v1"],
  ["", "http://203.0.114.7:8000/v1"],
  ["", "https://localhost.example.com/v1"],
  ["", "https://192.168.1.20.example.com/v1"],
] as const;

async function check(toml: string) {
  const folder = makeFolder();
  try {
    const file = join(folder, "clewline.toml");
    writeFileSync(file, `${KEYS_TOML}${toml}`, { mode: 0o600 });
    return await runProgram(["check", "--config", file], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describeKind(kind, () => {
  for (const [reported, url] of NEAR) {
    test(`${reported}${url} needs no credential`, async () => {
      const { exitCode, out } = await check(upstream(url));
      expect([exitCode, out]).toEqual([0, expect.stringContaining("1 upstream, 1 credential")]);
    });
  }

  for (const [, url] of FAR) {
    test(`a forgotten key is told: ${url === "" ? "the provider itself" : url}`, async () => {
      const { exitCode, err } = await check(upstream(url));
      expect([exitCode, err]).toEqual([
        78,
        expect.stringContaining("has no credentials; add [[upstreams.credentials]]"),
      ]);
    });
  }

  for (const [family, path, body] of [
    [
      "openai",
      "/v1/chat/completions",
      { choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }] },
    ],
    [
      "anthropic",
      "/v1/messages",
      {
        type: "message",
        role: "assistant",
        content: [{ type: "text", text: "hi" }],
        stop_reason: "end_turn",
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    ],
  ] as const) {
    test(`an answer comes from such a server of the family ${family}, and the client's key stays here`, async () => {
      let seen = new Headers();
      const server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: (request) => {
          seen = request.headers;
          return Response.json({ id: "x", model: "m", ...body });
        },
      });
      const base = `http://127.0.0.1:${server.port}${family === "openai" ? "/v1" : ""}`;
      const gateway = await startGateway({ toml: `${KEYS_TOML}${upstream(base, family)}` });
      try {
        const reply = await fetch(`${gateway.url}${path}`, {
          method: "POST",
          headers: { "x-api-key": CLIENT_KEY, "content-type": "application/json" },
          body: JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] }),
        });
        expect([reply.status, await reply.text()]).toEqual([200, expect.stringContaining("hi")]);
        expect(JSON.stringify([...seen])).not.toContain(CLIENT_KEY);
        const listed = await gateway.command("credentials");
        expect(listed.out).toContain("local/keyless");
      } finally {
        await gateway.close();
        await server.stop(true);
      }
    });
  }
});
