import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_KEY, KEYS_TOML, makeFolder, runProgram, startGateway } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/company-proxies.ts";

const SECRET = "team-secret-of-the-company";
const HEADERS =
  'headers = [{ name = "X-Team", value = "env:TEAM_SECRET" }, { name = "user-agent", value = "the-company" }]';
const QUERY = 'query = [{ name = "api-version", value = "2026-01 a&b" }]';
const BODY = `body = [{ name = "metadata", json = '{"team": "search"}' }, { name = "user", json = '"gold"' }]`;

const upstream = (url: string, lines: string, family = "openai"): string =>
  `[[upstreams]]\nname = "company"\nfamily = "${family}"\nbase_url = "${url}"\n${lines}\n`;

interface Seen {
  readonly path: string;
  readonly search: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown> | null;
}

/** A server that keeps what it sees, and repeats a header in its refusals, as some proxies do. */
async function withCompany(
  family: string,
  lines: string,
  use: (gateway: Awaited<ReturnType<typeof startGateway>>, seen: Seen[]) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      const body = text === "" ? null : JSON.parse(text);
      seen.push({ path: pathname, search, headers: request.headers, body });
      if (pathname.endsWith("/models")) return Response.json({ data: [{ id: "m" }] });
      if (body?.model === "refused")
        return Response.json({ error: { message: `no: ${request.headers.get("x-team")}` } }, { status: 400 });
      return Response.json({
        id: "x",
        model: "m",
        choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
      });
    },
  });
  const url = `http://127.0.0.1:${server.port}/v1`;
  const gateway = await startGateway({
    toml: `${KEYS_TOML}${upstream(url, lines, family)}`,
    env: { TEAM_SECRET: SECRET },
  });
  try {
    await use(gateway, seen);
    expect(gateway.log()).not.toContain(SECRET);
  } finally {
    await gateway.close();
    await server.stop(true);
  }
}

const CHAT = { messages: [{ role: "user", content: "hi" }] };
function ask(url: string, path: string, body: object, search = ""): Promise<Response> {
  return fetch(`${url}${path}${search}`, {
    method: "POST",
    headers: { "x-api-key": CLIENT_KEY, "content-type": "application/json", "x-team": "mine" },
    body: JSON.stringify(body),
  });
}

describeKind(kind, () => {
  for (const [what, path, body] of [
    ["reported: relayed", "/v1/chat/completions", { model: "m", user: "me", metadata: { a: "b" }, ...CHAT }],
    ["translated", "/v1/messages", { model: "m", max_tokens: 9, ...CHAT }],
  ] as const) {
    test(`${what}: each request has the members, in the place of the client's`, async () => {
      await withCompany("openai", `${HEADERS}\n${QUERY}\n${BODY}`, async ({ url }, seen) => {
        expect((await ask(url, path, body, "?api-version=1")).status).toBe(200);
        const last = seen.at(-1);
        expect(last).toMatchObject({
          path: "/v1/chat/completions",
          search: "?api-version=2026-01%20a%26b",
          body: { model: "m", user: "gold", metadata: { team: "search" }, ...CHAT },
        });
        expect([last?.headers.get("x-team"), last?.headers.get("user-agent")]).toEqual([
          SECRET,
          "the-company",
        ]);
        expect(last?.headers.get("authorization")).toBe("Bearer none");
      });
    });
  }

  test("lists of models and doctor's questions have them as well", async () => {
    await withCompany("openai", `${HEADERS}\n${QUERY}`, async (gateway, seen) => {
      await fetch(`${gateway.url}/v1/models`, { headers: { "x-api-key": CLIENT_KEY } });
      const listed = seen.splice(0);
      const doctor = await gateway.command("check", "--live");
      expect(doctor.exitCode).toBe(0);
      for (const { headers, search } of [...listed, ...seen])
        expect([headers.get("x-team"), search]).toEqual([SECRET, "?api-version=2026-01%20a%26b"]);
      expect(seen.length).toBeGreaterThan(0);
      expect(listed.length).toBeGreaterThan(0);
      expect(doctor.out + doctor.err).not.toContain(SECRET);
    });
  });

  test("an upstream that repeats a secret shows it to nobody, and an explanation has a mask", async () => {
    await withCompany("openai", `${HEADERS}\n${BODY}`, async (gateway) => {
      for (const path of ["/v1/chat/completions", "/v1/messages"]) {
        const reply = await ask(gateway.url, path, { model: "refused", max_tokens: 9, ...CHAT });
        const text = await reply.text();
        expect([reply.status, text]).toEqual([400, expect.stringContaining("no: ")]);
        expect(text).not.toContain(SECRET);
      }
      const question = { path: "/v1/chat/completions", body: { model: "m", ...CHAT } };
      const forKey = await (await ask(gateway.url, "/v1/explain", question)).text();
      for (const word of [SECRET, "search", "x-team"]) expect(forKey).not.toContain(word);
      const file = join(gateway.folder, "request.json");
      writeFileSync(file, JSON.stringify(question.body));
      const explained = await gateway.command("explain", file);
      const text = explained.out + explained.err;
      expect([explained.exitCode, text]).toEqual([0, expect.stringContaining("search")]);
      expect(text).toContain("x-team");
      expect(text).not.toContain(SECRET);
    });
  });

  for (const [what, lines, said] of [
    ["a header that frames", 'headers = [{ name = "Content-Length", value = "1" }]', "frames a request"],
    ["a header that shows a credential", 'headers = [{ name = "authorization", value = "x" }]', "api_key"],
    ["a header that is none", 'headers = [{ name = "a b", value = "x" }]', "is not the name of a header"],
    ["a parameter that shows a credential", 'query = [{ name = "key", value = "x" }]', "api_key"],
    ["a member that names the model", `body = [{ name = "model", json = '"x"' }]`, "[[models]]"],
    ["a member that is no JSON", 'body = [{ name = "user", json = "gold" }]', "is not JSON"],
    [
      "a value that would be a line of its own",
      'headers = [{ name = "x-a", value = "a\\r\\nb: c" }]',
      "no header can carry",
    ],
    [
      "a caller's own login beside it",
      'caller_credentials = true\nheaders = [{ name = "x-a", value = "b" }]',
      "cannot stand beside",
    ],
  ] as const) {
    test(`\`clewline check\` refuses ${what}`, async () => {
      const folder = makeFolder();
      try {
        const file = join(folder, "clewline.toml");
        writeFileSync(file, `${KEYS_TOML}${upstream("http://127.0.0.1:1/v1", lines)}`, { mode: 0o600 });
        const { exitCode, err } = await runProgram(["check", "--config", file], folder);
        expect([exitCode, err]).toEqual([78, expect.stringContaining(said)]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
