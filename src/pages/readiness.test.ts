// When the gateway counts as ready, and the reasons that it gives if it does not.
import { afterEach, expect, test } from "bun:test";
import type { Problem } from "../config/problem.ts";
import { ownNeed } from "../pool/fixtures/need.ts";
import { GatewayUnderTest } from "../proxy/fixtures/gateway-under-test.ts";
import { readinessPage } from "./readiness.ts";

const WELL = { isStalled: false, isShortOfDescriptors: false };

let gateway: GatewayUnderTest;
afterEach(() => gateway.close());

function begin(keys: Readonly<Record<string, string>> | null): void {
  gateway = new GatewayUnderTest({
    upstreams: keys === null ? [] : [{ name: "up", family: "openai", baseUrl: "http://127.0.0.1:1", keys }],
  });
}

async function ask(problems: readonly Problem[] = [], isLow = false) {
  const reply = readinessPage(gateway, problems, { isLow }, WELL, true);
  const page = (await reply.json()) as { status: string; problems: string[]; config: { state: string } };
  return { code: reply.status, page };
}

test("a gateway is ready with one credential that is ready", async () => {
  begin({ main: "sk-main", second: "sk-second" });
  expect(await ask()).toEqual({
    code: 200,
    page: {
      status: "ready",
      problems: [],
      config: { state: "active" },
      ledger: { writable: true, pending_rows: 0, disk_low: false },
      credentials: { ready: 2, waiting: 0, refused: 0, all: 2 },
    } as never,
  });
});

test("a disk that is almost full is told, and the gateway stays ready", async () => {
  begin({ main: "sk-main" });
  const { code, page } = await ask([], true);
  expect(code).toBe(200);
  expect(page).toMatchObject({ status: "ready", ledger: { writable: true, disk_low: true } });
});

test("it is not ready while it drains, and without an upstream, and says so", async () => {
  begin(null);
  gateway.isDraining = true;
  const { code, page } = await ask();
  expect([code, page.status]).toEqual([503, "not ready"]);
  expect(page.problems).toEqual(["draining", expect.stringMatching(/^no upstreams; add \[\[upstreams\]\]/)]);
});

test("it is not ready while the process stands still, or has no descriptors, and says so", async () => {
  begin({ main: "sk-main" });
  const reply = readinessPage(
    gateway,
    [],
    { isLow: false },
    { isStalled: true, isShortOfDescriptors: true },
    true,
  );
  expect([reply.status, await reply.json()]).toMatchObject([
    503,
    {
      problems: [
        "the process stood still for longer than a second",
        "file descriptors have run out; raise the limit (ulimit -n)",
      ],
    },
  ]);
});

test("it is not ready without a credential that is ready, or will be by itself", async () => {
  begin({});
  const { code, page } = await ask();
  expect(code).toBe(503);
  expect(page.problems).toEqual([
    expect.stringMatching(/^no credential can be used until a person acts; see/),
  ]);
});

test("it is ready while every credential waits for the end of a limit, because no balancer can mend that", async () => {
  begin({ main: "sk-main", second: "sk-second" });
  for (const name of ["main", "second"]) {
    const leased = gateway.pool.lease({ ...ownNeed("up", "m"), stickyTo: `up/${name}` });
    if ("unavailable" in leased) throw new Error("no lease");
    const untilMs = gateway.clock.nowMs() + 60_000;
    gateway.pool.report(leased.lease, "m", {
      class: "rate",
      untilMs,
      scope: "credential",
      reason: "limited",
    });
  }
  const { code, page } = await ask();
  expect([code, page.problems]).toEqual([200, []]);
  expect(page).toMatchObject({ credentials: { ready: 0, waiting: 2, refused: 0, all: 2 } });
});

test("a key that the provider has refused is counted, although the next request may mend it", async () => {
  begin({ main: "sk-main" });
  const leased = gateway.pool.lease(ownNeed("up", "m"));
  if ("unavailable" in leased) throw new Error("no lease");
  gateway.pool.report(leased.lease, "m", { class: "invalid", reason: "the key was refused" });
  const { code, page } = await ask();
  expect(code).toBe(200);
  expect(page).toMatchObject({ credentials: { ready: 0, waiting: 1, refused: 1, all: 1 } });
});

test("a new file that is invalid leaves it ready, and is told with its lines but not its values", async () => {
  begin({ main: "sk-main" });
  const problem: Problem = {
    file: "/etc/clewline.toml",
    line: 7,
    column: 3,
    key: "server.port",
    value: "secret",
    message: "is no port",
    repair: "use 8484",
  };
  const { code, page } = await ask([problem]);
  expect(code).toBe(200);
  expect(page.config).toEqual({
    state: "the new file is invalid; the previous configuration is still active",
    problems: [{ line: 7, key: "server.port", message: "is no port" }],
  } as never);
});

test("who shows no key is told only whether it is ready", async () => {
  begin(null);
  const reply = readinessPage(gateway, [], { isLow: false }, WELL, false);
  expect([reply.status, await reply.json()]).toEqual([503, { status: "not ready" }]);
});
