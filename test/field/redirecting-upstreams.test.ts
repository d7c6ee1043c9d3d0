import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { answerWell, ask, keyOf, WAYS, wayOf } from "../faults/asking.ts";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/redirecting-upstreams.ts";

const ELSEWHERE = "https://api.elsewhere.example";

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  let status = "";
  let location: string | null = null;

  beforeAll(async () => {
    upstream = await startRawUpstream(async (request) => {
      if (keyOf(request) === "key-good") return await answerWell(request);
      await sendWhole(request, "", location === null ? {} : { location }, status);
    });
    const pair = { credentials: { moved: "key-moved", also: "key-also", third: "key-third" } };
    const mixed = { credentials: { moved: "key-moved", good: "key-good" } };
    gateway = await startGateway({
      toml: [
        upstreamToml("openai", "openai", `${upstream.url}/v1`),
        upstreamToml("anthropic", "anthropic", upstream.url),
        upstreamToml("gemini", "gemini", upstream.url),
        upstreamToml("pool", "openai", `${upstream.url}/v1`, pair),
        upstreamToml("mixed", "openai", `${upstream.url}/v1`, mixed),
        KEYS_TOML,
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });
  beforeEach(() => {
    upstream.forget();
    status = "301 Moved Permanently";
    location = `${ELSEWHERE}/v1/chat/completions?token=planted-secret`;
  });

  const chat = WAYS.filter(({ recording }) => recording.name === "openai-chat");

  test.each(chat)("reported: a redirect of $name is asked once and told in words", async (way) => {
    const { text, retryAfter, ...reply } = await ask(gateway.url, way, {
      model: `openai/${way.recording.model}`,
    });
    expect(upstream.seen).toHaveLength(1);
    expect(reply.status).toBe(502);
    expect(text).toContain(`redirect to ${ELSEWHERE} (status 301)`);
    expect(text).toContain(`set its base_url to ${ELSEWHERE}/v1`);
    expect(text).not.toContain("overloaded");
    expect(text).not.toContain("planted-secret");
    expect(retryAfter).toBeNull();
  });

  test.each(
    WAYS.flatMap((way) =>
      ["302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"].map(
        (one) => [way.name, one, way] as const,
      ),
    ),
  )("%s: a %s is asked once and told in words", async (_, one, way) => {
    status = one;
    location = ELSEWHERE + (way.isStream ? way.recording.streamPath : way.recording.wholePath);
    const { text } = await ask(gateway.url, way, { model: `${way.recording.family}/${way.recording.model}` });
    expect(upstream.seen.map((request) => wayOf(request).name)).toEqual([way.recording.name]);
    expect(text).toContain(`redirect to ${ELSEWHERE} (status ${one.slice(0, 3)})`);
    expect(text).toContain("set its base_url to https://api.elsewhere.example");
  });

  test.each([null, "/login", "login?next=%2Fv1", "", "http://[", "javascript:alert(1)"])(
    "a redirect to %j is told without an address that is none",
    async (one) => {
      location = one;
      const { status: got, text } = await ask(gateway.url, chat[0] as (typeof chat)[0], {
        model: "openai/gpt-4.1",
      });
      expect([got, upstream.seen.length]).toEqual([502, 1]);
      expect(text).toContain("redirect to another path of the same server (status 301)");
    },
  );

  test("a redirect to a page of another kind does not suggest that page's path", async () => {
    location = "https://sso.example/login";
    const { text } = await ask(gateway.url, chat[0] as (typeof chat)[0], { model: "openai/gpt-4.1" });
    expect(text).toContain("redirect to https://sso.example");
    expect(text).toContain("set its base_url to the address that the API itself answers at");
  });

  test("a client of another dialect gets the same words", async () => {
    const messages = WAYS.find(({ name }) => name === "anthropic-messages whole");
    if (messages === undefined) throw new Error("no way to ask");
    const { text } = await ask(gateway.url, messages, { model: "openai/gpt-4.1" });
    expect(upstream.seen).toHaveLength(1);
    expect(text).toContain(`set its base_url to ${ELSEWHERE}/v1`);
  });

  test("of several credentials each is asked once, then only one, and a good one is found", async () => {
    const way = chat[0] as (typeof chat)[0];
    await ask(gateway.url, way, { model: "pool/gpt-4.1" });
    expect(upstream.seen.map(keyOf).sort()).toEqual(["key-also", "key-moved", "key-third"]);
    upstream.forget();
    await ask(gateway.url, way, { model: "pool/gpt-4.1" });
    expect(upstream.seen).toHaveLength(1);
    for (let i = 0; i < 4; i++)
      expect((await ask(gateway.url, way, { model: "mixed/gpt-4.1" })).status).toBe(200);
  });
});
