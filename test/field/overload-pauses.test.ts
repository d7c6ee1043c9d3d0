import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { answerWell, ask, WAYS, type Way, wayOf } from "../faults/asking.ts";
import { type Gateway, IS_FULL, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/overload-pauses.ts";

type Answer = (request: Arrived) => Promise<void>;

const chat = WAYS[0] as Way;
/** The model at the one upstream of its family's name. */
const ofOwn = ({ recording }: Way): string => `${recording.family}/${recording.model}`;

function overload(status: string, headers: Record<string, string> = {}): Answer {
  return async (request) => {
    const { family } = wayOf(request).recording;
    const body =
      family === "anthropic"
        ? { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
        : { error: { message: "The model is overloaded", code: 503, status: "UNAVAILABLE" } };
    await sendWhole(
      request,
      JSON.stringify(body),
      { "content-type": "application/json", ...headers },
      status,
    );
  };
}

/** Overload that the provider reports inside a good reply, before content. */
const inBand: Answer = async (request) => {
  const { recording, isStream } = wayOf(request);
  const text = JSON.stringify({
    error: { message: "Overloaded", type: "server_error", code: 503, status: "UNAVAILABLE" },
  });
  const type = { "content-type": isStream ? recording.streamType : "application/json" };
  const isArray = recording.streamType.startsWith("application/json");
  await sendWhole(
    request,
    isStream ? (isArray ? `[${text}]` : `event: error\ndata: ${text}\n\n`) : text,
    type,
  );
};

const WORDINGS: Readonly<Record<string, Answer>> = {
  "503": overload("503 Service Unavailable"),
  "529": overload("529 Overloaded"),
  "an overload inside a good reply": inBand,
};

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  let times: number[] = [];
  let answer: Answer = answerWell;

  beforeAll(async () => {
    upstream = await startRawUpstream(async (request) => {
      times.push(performance.now());
      await (request.target.startsWith("/other") ? answerWell(request) : answer(request));
    });
    const models = `[[models]]\nname = "best"\ntargets = ["openai/gpt-4.1", "other/gpt-4.1"]\n`;
    const three = { credentials: { a: "key-a", b: "key-b", c: "key-c" } };
    gateway = await startGateway({
      toml: [
        upstreamToml("openai", "openai", `${upstream.url}/v1`),
        upstreamToml("anthropic", "anthropic", upstream.url),
        upstreamToml("gemini", "gemini", upstream.url),
        upstreamToml("three", "openai", `${upstream.url}/three`, three),
        upstreamToml("other", "openai", `${upstream.url}/other`),
        models,
        KEYS_TOML,
      ].join("\n"),
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });
  beforeEach(async () => {
    // A good answer, so that no breaker opens between the tests.
    answer = answerWell;
    for (const way of WAYS.filter(({ isStream }) => !isStream)) await ask(gateway.url, way);
    await ask(gateway.url, chat, { model: "three/gpt-4.1" });
    times = [];
    upstream.forget();
  });

  const gaps = (): number[] => times.slice(1).map((atMs, i) => atMs - (times[i] as number));
  /** Fails the first `count` attempts. */
  const failFirst = (count: number, failing: Answer): Answer => {
    let n = 0;
    return (request) => (++n <= count ? failing(request) : answerWell(request));
  };

  for (const status of ["503 Service Unavailable", "529 Overloaded"]) {
    for (const model of ["openai/gpt-4.1", "three/gpt-4.1"]) {
      test(`reported: ${status} with retry-after 1 for a second is waited for, ${model}`, async () => {
        const startedMs = performance.now();
        const failing = overload(status, { "retry-after": "1" });
        answer = (request) =>
          performance.now() - startedMs < 1_000 ? failing(request) : answerWell(request);
        const reply = await ask(gateway.url, chat, { model });
        expect([reply.status, times.length]).toEqual([200, 2]);
        expect(gaps()[0]).toBeWithin(1_000, 5_000);
        expect(await gateway.row(reply.requestId)).toMatchObject({ outcome: "ok", attempts: 2 });
      });
    }
  }

  const cases = WAYS.flatMap((way, i) =>
    Object.keys(WORDINGS)
      // The short form has each wording and each way, but not all pairs.
      .filter((_, j) => IS_FULL || (i + j) % 3 === 0)
      .map((name) => [way.name, name, way] as const),
  );
  test.each(cases)("%s: %s is repeated after pauses that grow, then served", async (_, name, way) => {
    answer = failFirst(2, WORDINGS[name] as Answer);
    const { status, completeAtMs } = await ask(gateway.url, way, { model: ofOwn(way) });
    expect([status, completeAtMs === null, times.length]).toEqual([200, false, 3]);
    const [first = 0, second = 0] = gaps();
    expect(first).toBeGreaterThanOrEqual(99);
    expect(second).toBeGreaterThanOrEqual(399);
  });

  test("a reply that breaks off is repeated at once, then after a pause", async () => {
    answer = failFirst(2, async (request) => {
      // Behind the first byte: a used connection that breaks before it is replaced at once.
      await request.send("HTTP/1.1 200 O");
      request.fin();
    });
    expect((await ask(gateway.url, chat, { model: ofOwn(chat) })).status).toBe(200);
    const [first = 0, second = 0] = gaps();
    expect([times.length, first < second]).toEqual([3, true]);
    expect(second).toBeGreaterThanOrEqual(399);
  });

  test.each(["openai/gpt-4.1", "three/gpt-4.1"])(
    "%s: attempts are few, and the client is told when to come back",
    async (model) => {
      answer = overload("503 Service Unavailable");
      const { status, retryAfter } = await ask(gateway.url, chat, { model });
      expect([status, times.length, retryAfter]).toEqual([503, 3, "1"]);
    },
  );

  test.each([
    ["in seconds", () => "120"],
    ["as a date", () => new Date(Date.now() + 600_000).toUTCString()],
  ])("a long retry-after %s holds no client, but is told", async (_, announce) => {
    const announced = announce();
    answer = overload("503 Service Unavailable", { "retry-after": announced });
    const startedMs = performance.now();
    const { status, retryAfter } = await ask(gateway.url, chat, { model: ofOwn(chat) });
    expect([status, times.length]).toEqual([503, 3]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(retryAfter).toBe(announced);
  });

  test("another upstream is asked at once in place of a long pause", async () => {
    answer = overload("503 Service Unavailable", { "retry-after": "4" });
    const { status } = await ask(gateway.url, chat, { model: "best" });
    expect([status, times.length]).toEqual([200, 2]);
    expect(gaps()[0]).toBeLessThan(2_000);
  });

  test("a client that leaves within the pause ends the request", async () => {
    answer = overload("503 Service Unavailable", { "retry-after": "2" });
    const leaving = new AbortController();
    const asking = ask(gateway.url, chat, { model: ofOwn(chat), signal: leaving.signal });
    await until("the upstream was asked", () => times.length === 1);
    await Bun.sleep(200);
    leaving.abort();
    await asking;
    await until("the row says so", async () =>
      (await gateway.rows()).some(({ outcome }) => outcome === "client_left"),
    );
    await Bun.sleep(2_500);
    expect(times).toHaveLength(1);
  }, 30_000);

  test("a stream that pauses is opened and pinged meanwhile, and a client that leaves it ends it", async () => {
    const own = await startGateway({
      server: "ping_interval_ms = 1000",
      toml: [upstreamToml("openai", "openai", `${upstream.url}/v1`), KEYS_TOML].join("\n"),
    });
    try {
      const way = WAYS.find(({ name }) => name === "openai-chat stream") as Way;
      answer = failFirst(1, overload("503 Service Unavailable", { "retry-after": "3" }));
      const { status, text, completeAtMs } = await ask(own.url, way);
      expect([status, completeAtMs === null, times.length]).toEqual([200, false, 2]);
      expect(text).toStartWith(":");
      times = [];
      answer = overload("503 Service Unavailable", { "retry-after": "3" });
      await ask(own.url, way, { signal: AbortSignal.timeout(2_000) });
      await until("the row says that the client left", async () =>
        (await own.rows()).some(({ outcome }) => outcome === "client_left"),
      );
      await Bun.sleep(2_000);
      expect(times).toHaveLength(1);
    } finally {
      await own.close();
    }
  }, 60_000);

  test("a server that starts again within the pause is asked again", async () => {
    const gone = await startRawUpstream(answerWell);
    const { port } = gone;
    await gone.close();
    const own = await startGateway({
      toml: [upstreamToml("gone", "openai", `http://127.0.0.1:${port}/v1`), KEYS_TOML].join("\n"),
    });
    try {
      const asking = ask(own.url, chat, { model: "gone/gpt-4.1" });
      await Bun.sleep(100);
      const server = Bun.serve({
        port,
        hostname: "127.0.0.1",
        fetch: () => new Response(chat.recording.whole, { headers: { "content-type": "application/json" } }),
      });
      expect((await asking).status).toBe(200);
      await server.stop(true);
    } finally {
      await own.close();
    }
  }, 60_000);

  test("a drain waits for a request that pauses", async () => {
    const own = await startGateway({
      toml: [upstreamToml("openai", "openai", `${upstream.url}/v1`), KEYS_TOML].join("\n"),
    });
    answer = failFirst(1, overload("503 Service Unavailable", { "retry-after": "2" }));
    const asking = ask(own.url, chat);
    await until("the upstream was asked", () => times.length === 1);
    own.signal("SIGTERM");
    expect((await asking).status).toBe(200);
    expect(await own.exited).toBe(0);
    await own.close();
  }, 60_000);
});
