// Where each path leads: every spelling of it, and nowhere for anything else.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { digestOf } from "./auth/keys.ts";
import { GatewayError } from "./core/errors.ts";
import { ENDPOINT_PATHS } from "./dialects/endpoint-paths.ts";
import { listen } from "./http/listener.ts";
import { type Match, Router } from "./http/router.ts";
import { makeModelLists } from "./models/model-lists.ts";
import { CLIENT_KEY, clientUnderTest, GatewayUnderTest } from "./proxy/fixtures/gateway-under-test.ts";
import { makeMetricsRoutes, makeRoutes, makeTable, type RouteLine, type Served } from "./routes.ts";
import { makeSnapshot } from "./snapshot.ts";

const TABLE = makeTable({} as Served);
const ROUTER = new Router(TABLE);

const match = (path: string): Match<RouteLine> | null =>
  ROUTER.match(path.slice(1).split("/").map(decodeURIComponent));

const endpointOf = (line: RouteLine | undefined) =>
  ENDPOINT_PATHS.find(({ path, methods }) => path === line?.path && methods === line.methods);

/** A match in one line. */
function shown(found: Match<RouteLine> | null): string {
  if (found === null) return "none";
  const { lines, params } = found;
  const [line] = lines as [RouteLine];
  const route = endpointOf(line)?.routeOf(params);
  if (route === undefined) {
    if (line.path.includes("/models"))
      return `models ${line.dialect ?? "by-headers"} ${params.model ?? "all"}`;
    return `${line.methods.join("|")} ${line.path}`;
  }
  const model = route.pathModel === null ? "" : ` ${route.pathModel}:${route.action}`;
  const id = route.stateId === null ? "" : ` of ${route.stateId}`;
  return `${line.methods.join("|")} ${route.endpoint} ${route.path}${model}${id}`;
}

const FIXED = {
  "chat/completions": "POST chat.completions /v1/chat/completions",
  embeddings: "POST embeddings /v1/embeddings",
  responses: "POST responses /v1/responses",
  "responses/input_tokens": "POST responses.input_tokens /v1/responses/input_tokens",
  "responses/compact": "POST responses.compact /v1/responses/compact",
  messages: "POST messages /v1/messages",
  "messages/count_tokens": "POST messages.count_tokens /v1/messages/count_tokens",
};

describe.each(Object.entries(FIXED))("%s", (path, expected) => {
  test("H-21 is found in all its spellings, each leading to the one canonical path", () => {
    const paths = ROUTER.fixed;
    const spellings = ["/v1/", "/", "/v1/v1/", "/v1beta/openai/", "//v1/", "/v1//", "//"].flatMap((start) => [
      `${start}${path}`,
      `${start}${path}/`,
    ]);
    for (const spelling of spellings)
      expect([spelling, shown(paths.get(spelling) ?? null)]).toEqual([spelling, expected]);
  });

  test("is found by its segments, escaped letters and all", () => {
    for (const start of ["/v1/", "/", "/v1/v1/", "/v1beta/openai/"]) {
      expect(shown(match(start + path))).toBe(expected);
    }
    expect(shown(match(`/v1/${path.replace("s", "%73")}`))).toBe(expected);
  });

  test("is not found in another case or with more behind it", () => {
    expect(ROUTER.fixed.has(`/v1/${path.toUpperCase()}`)).toBe(false);
    expect(shown(match(`/v1/${path.toUpperCase()}`))).toBe("none");
  });
});

const OTHERS: readonly (readonly [path: string, expected: string])[] = [
  ["/", "GET|HEAD /"],
  ["/healthz", "GET|HEAD /healthz"],
  ["/readyz", "GET|HEAD /readyz"],
  ["/metrics", "GET|HEAD /metrics"],
  ["/v1/healthz", "none"],
  ["/v1/explain", "POST /v1/explain"],
  ["/explain", "POST /v1/explain"],
  ["/v1beta/openai/explain", "POST /v1/explain"],
  ["/v1/models", "models by-headers all"],
  ["/models", "models by-headers all"],
  ["/v1/models/gpt-5", "models by-headers gpt-5"],
  ["/v1/models/openai/gpt-5", "models by-headers openai/gpt-5"],
  ["/v1/models/openai%2Fgpt-5", "models by-headers openai/gpt-5"],
  ["/v1beta/openai/models", "models by-headers all"],
  ["/v1beta/models", "models gemini all"],
  ["/v1beta/models/gemini-2.5-pro", "models gemini gemini-2.5-pro"],
  ["/v1alpha/models/x%2Fy", "models gemini x/y"],
  ["/v1beta/models/m:generateContent", "POST generateContent /v1beta/models/ m:generateContent"],
  ["/v1/models/m:generateContent", "POST generateContent /v1/models/ m:generateContent"],
  [
    "/v1beta/models/m:streamGenerateContent",
    "POST streamGenerateContent /v1beta/models/ m:streamGenerateContent",
  ],
  ["/v1alpha/models/m:countTokens", "POST countTokens /v1alpha/models/ m:countTokens"],
  ["/v1beta/models/m%3AgenerateContent", "POST generateContent /v1beta/models/ m:generateContent"],
  ["/v1beta/models/up/m:generateContent", "POST generateContent /v1beta/models/ up/m:generateContent"],
  ["/v1beta/models/up%2Fm:generateContent", "POST generateContent /v1beta/models/ up/m:generateContent"],
  ["/v1beta/models/ft:a:b:generateContent", "POST generateContent /v1beta/models/ ft:a:b:generateContent"],
  [
    "/v1beta/tunedModels/mine:generateContent",
    "POST generateContent /v1beta/tunedModels/ mine:generateContent",
  ],
  [
    "/v1beta1/publishers/google/models/m:generateContent",
    "POST generateContent /v1beta1/models/ publishers/google/models/m:generateContent",
  ],
  ["/v1beta/models/m:embedContent", "POST embedContent /v1beta/models/ m:embedContent"],
  ["/v1beta/models/m:asyncBatchEmbedContent", "models gemini m:asyncBatchEmbedContent"],
  [
    "/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:rawPredict",
    "POST messages /v1/messages claude@1:null",
  ],
  [
    "/projects/p/locations/l/publishers/anthropic/models/claude@1:streamRawPredict",
    "POST messages /v1/messages claude@1:null",
  ],
  [
    "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
    "POST messages.count_tokens /v1/messages/count_tokens",
  ],
  [
    "/v1beta1/projects/p/locations/l/publishers/google/models/m:countTokens",
    "POST countTokens /v1beta1/models/ m:countTokens",
  ],
  ["/v1beta/models/:generateContent", "models gemini :generateContent"],
  ["/v1beta/models/m:constructor", "models gemini m:constructor"],
  ["/v1beta/other", "none"],
  ["/v1/responses/resp_1", "GET|DELETE responses.stored /v1/responses/resp_1 of resp_1"],
  ["/responses/resp_1", "GET|DELETE responses.stored /v1/responses/resp_1 of resp_1"],
  ["/v1/responses/resp_1/cancel", "POST responses.stored /v1/responses/resp_1/cancel of resp_1"],
  ["/v1/responses/resp_1/input_items", "GET responses.stored /v1/responses/resp_1/input_items of resp_1"],
  ["/v1/responses/a%3Fb%23c", "GET|DELETE responses.stored /v1/responses/a%3Fb%23c of a?b#c"],
  ["/v1/responses/a/b/c/d", "none"],
  ["/v1", "none"],
  ["/v1/v1", "none"],
  ["/v1/nothing", "none"],
  ["/v2/chat/completions", "none"],
  ["/constructor", "none"],
  ["/__proto__", "none"],
  ["/toString", "none"],
  ["/v1/hasOwnProperty", "none"],
  ["/favicon.ico", "none"],
];

test.each(OTHERS)("%s is %s", (path, expected) => expect(shown(match(path))).toBe(expected));

test.each([
  "/v1/../messages",
  "/v1/./messages",
  "/v1/%2e%2e/messages",
  "/v1/%2E/messages",
  "/..",
  "/v1/models/%2e%2e%2fchat",
  "/v1/models/a%2F..%2Fb",
  "/v1/models/a%2F%2Fb",
  "/v1/models/%2Fa",
  "/v1beta/models/..:generateContent/..",
  "/v1beta/models/up%2F..%2Fm:generateContent",
  "/v1/responses/..%2Fmodels",
  "/v1/responses/a%2Fb",
  "/v1/chat%2Fcompletions",
  "/v1/mess\\ages",
  "/v1/mess%5Cages",
  "/v1/messages%00",
  "/v1/models/a%0D%0Ax",
  "/v1/models/%7F",
  "/healthz%09",
])("%s is refused before anything is decided", (path) => {
  let error: unknown;
  try {
    match(path);
  } catch (cause) {
    error = cause;
  }
  expect(error).toBeInstanceOf(GatewayError);
  expect((error as GatewayError).kind).toBe("bad_path");
});

test("for any segments: a match, or bad_path; and the upstream's path cannot leave its place", () => {
  const segment = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "v1",
      "v1beta",
      "openai",
      "models",
      "responses",
      "messages",
      "chat",
      "completions",
      "",
      ".",
      "..",
    ),
    fc.constantFrom("m:generateContent", "a/b:countTokens", "tunedModels", "cancel", "%2e%2e", "a\\b"),
  );
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 12 }), (segments) => {
      let found: Match<RouteLine> | null;
      try {
        found = ROUTER.match(segments);
      } catch (cause) {
        expect(cause).toBeInstanceOf(GatewayError);
        expect((cause as GatewayError).kind).toBe("bad_path");
        return;
      }
      const route = found === null ? undefined : endpointOf(found.lines[0])?.routeOf(found.params);
      if (route === undefined) return;
      expect(route.path).toMatch(/^\/v1(beta|alpha|beta1)?\/[\x21-\x7e]+$/);
      expect(route.path).not.toMatch(/[?#\\]/);
      expect(route.path.split("/").some((part) => part === "." || part === "..")).toBe(false);
      expect(route.pathModel?.split("/").some((part) => part === "." || part === "..") ?? false).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test("a few listed routes are open to anyone, the admin has its own callers; all others need a key", () => {
  const open = TABLE.filter(({ who }) => who !== "client").map(({ path, who }) => `${path} ${who}`);
  expect(open).toEqual([
    "/ anyone",
    "/healthz anyone",
    "/readyz anyone",
    "/metrics metrics",
    "/admin/api/{path...} admin",
    "/admin admin",
    "/admin/{path...} admin",
  ]);
});

const FACTS = {
  version: "0",
  startedAtMs: 0,
  residentBytes: 0,
  longestLagMs: 0,
  droppedLogLines: 0,
  isConfigRejected: false,
};

describe("without a key", () => {
  let gateway: GatewayUnderTest;
  beforeAll(() => {
    // The upstream would refuse the connection: whatever asks it gets no 401 from here.
    gateway = new GatewayUnderTest({
      upstreams: [{ name: "up", family: "openai", baseUrl: "http://127.0.0.1:1" }],
    });
  });
  afterAll(() => gateway.close());

  const ask = async (line: RouteLine, key: string): Promise<Response> => {
    const routes = makeRoutes({
      gateway,
      models: makeModelLists(gateway),
      processFacts: () => FACTS,
      spending: () => Promise.resolve(null),
      configProblems: () => [],
      disk: { isLow: false },
      processState: { isStalled: false, isShortOfDescriptors: false },
      admin: () => Promise.resolve(new Response("admin")),
      adminPages: () => Promise.resolve(new Response("page")),
    });
    const { handler } = routes[TABLE.indexOf(line)] as (typeof routes)[number];
    const client = clientUnderTest("/", line.methods[0] === "POST" ? "{}" : null, { authorization: key });
    return await handler(client, { model: "m", id: "resp_1", part: "p", detail: "d" });
  };

  test.each(TABLE.filter(({ who }) => who === "client"))(
    "$methods $path is a 401 that leaves no row",
    async (line) => {
      const reply = await ask(line, "Bearer wrong");
      expect(reply.status).toBe(401);
      expect(await reply.text()).toContain("no valid key was sent");
      expect(await gateway.rows()).toEqual([]);
    },
  );

  test("a key opens a route", async () => {
    const list = TABLE.find(({ path }) => path === "/v1/models") as RouteLine;
    expect((await ask(list, `Bearer ${CLIENT_KEY}`)).status).toBe(200);
  });
});

test("of the metrics' keys a reload takes over the key alone: the port is opened at the start", async () => {
  const gateway = new GatewayUnderTest({ upstreams: [] });
  const { config } = gateway.snapshot;
  const reload = (metrics: Partial<typeof config.metrics>) => {
    gateway.snapshot = makeSnapshot({ ...config, metrics: { ...config.metrics, ...metrics } });
  };
  try {
    reload({ keySha256: digestOf("first") });
    const routes = makeRoutes({
      gateway,
      models: makeModelLists(gateway),
      processFacts: () => FACTS,
      spending: () => Promise.resolve(null),
      configProblems: () => [],
      disk: { isLow: false },
      processState: { isStalled: false, isShortOfDescriptors: false },
      admin: () => Promise.resolve(new Response("admin")),
      adminPages: () => Promise.resolve(new Response("page")),
    });
    const { handler } = routes[TABLE.findIndex(({ who }) => who === "metrics")] as (typeof routes)[number];
    const statusFor = async (key: string) =>
      (await handler(clientUnderTest("/metrics", null, { authorization: `Bearer ${key}` }), {})).status;
    expect([await statusFor("first"), await statusFor("second")]).toEqual([200, 401]);
    reload({ keySha256: digestOf("second"), port: 9090, enabled: false });
    expect([await statusFor("first"), await statusFor("second")]).toEqual([401, 200]);
  } finally {
    await gateway.close();
  }
});

test("the metrics port shows the metrics without a key, and nothing else", async () => {
  const gateway = new GatewayUnderTest({ upstreams: [] });
  const routes = makeMetricsRoutes({ gateway, processFacts: () => FACTS });
  const listener = listen(gateway.snapshot.config.server, routes, gateway);
  try {
    const ask = (path: string, method = "GET") => fetch(`${listener.url}${path}`, { method });
    expect(await (await ask("/metrics")).text()).toContain("clewline_ledger_writable 1");
    expect((await ask("/metrics", "POST")).status).toBe(405);
    for (const path of ["/", "/readyz", "/healthz", "/v1/models", "/v1/messages"]) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
    }
  } finally {
    await listener.kill();
    await gateway.close();
  }
});
