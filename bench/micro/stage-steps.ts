/**
 * What one relayed JSON request of `script/bench json` makes Clewline do, step by step, over the real functions of a source
 * tree. Types are those of this tree; where an older tree differs, a step takes what fits.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PLAIN_SETTINGS } from "../../src/config/client-keys.ts";
import { DIRECT } from "../../src/config/network/via.ts";
import { leaseAndReport } from "./lease.ts";

/** Runs the step so many times. */
export type Run = (times: number) => void | Promise<void>;

export interface Step {
  readonly name: string;
  /** The first one that neither throws nor is missing is taken. */
  readonly ways: readonly ((tree: Tree) => Promise<Run>)[];
}

/** A source tree by its path. */
export class Tree {
  readonly path: string;
  readonly #closers: (() => void | Promise<void>)[] = [];

  constructor(path: string) {
    this.path = resolve(path);
  }

  load<M>(file: string): Promise<M> {
    return import(join(this.path, "src", file)) as Promise<M>;
  }

  onClose(closer: () => void | Promise<void>): void {
    this.#closers.push(closer);
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.toReversed()) await closer();
  }
}

const ROWS_A_COMMIT = 16;
const MODEL = "bench-model";
const prose =
  'Ariadne gave him a ball of thread, and "he" tied its end at the door.\nSo he found the way back. ';
const REQUEST = Buffer.from(
  JSON.stringify({
    model: MODEL,
    user: "json",
    temperature: 0.7,
    messages: [
      { role: "system", content: "You are a helpful assistant." },
      { role: "user", content: prose.repeat(7) },
      { role: "user", content: "Which way is out?" },
    ],
  }),
);
const REPLY = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-bench000000000000000000",
    object: "chat.completion",
    created: 1_790_000_000,
    model: MODEL,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: "The thread leads out of the labyrinth. ".repeat(15),
          refusal: null,
        },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: 190,
      completion_tokens: 120,
      total_tokens: 310,
      prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
    service_tier: "default",
  }),
);
const KEY = "sk-bench-client";
const CLIENT_HEADERS = {
  host: "127.0.0.1:8080",
  authorization: `Bearer ${KEY}`,
  "content-type": "application/json",
  accept: "application/json",
  "user-agent": "clewline-bench",
  "content-length": String(REQUEST.length),
};
const UPSTREAM_LINES = [
  ["content-type", "application/json"],
  ["accept", "application/json"],
  ["user-agent", "clewline-bench"],
  ["accept-encoding", "identity"],
  ["authorization", "Bearer sk-bench-upstream"],
] as const;
const REPLY_HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: ${REPLY.length}`;
const URL_TEXT = "http://127.0.0.1:9090/v1/chat/completions";

/** Keeps results alive, so that no call is optimised away. */
const kept: { result: unknown } = { result: null };

function repeat(step: () => unknown): Run {
  step();
  return (times) => {
    for (let i = 0; i < times; i++) kept.result = step();
  };
}

type Keys = typeof import("../../src/auth/keys.ts");
type HeaderViews = typeof import("../../src/core/header-view.ts");
type Peeks = typeof import("../../src/dialects/peek.ts");
type PassHeaders = typeof import("../../src/upstreams/pass-headers.ts");
type RequestHead = typeof import("../../src/transport/http1/request-head.ts");
type ReplyHead = typeof import("../../src/transport/http1/reply-head.ts");
type Dialects = typeof import("../../src/dialects/index.ts");
type Ids = typeof import("../../src/core/ids.ts");
type Clocks = typeof import("../../src/core/clock.ts");
type Logs = typeof import("../../src/core/log.ts");
type MetricsModule = typeof import("../../src/core/metrics.ts");
type Counts = Pick<InstanceType<MetricsModule["Metrics"]>, "attempts">;
type UsageModule = typeof import("../../src/neutral/usage.ts");
type Rows = typeof import("../../src/ledger/fixtures/row.ts");
type Ledgers = typeof import("../../src/ledger/ledger.ts");
type Stores = typeof import("../../src/ledger/store-file.ts");
type RequestIdSources = typeof import("../../src/ledger/request-ids.ts");
type Writers = typeof import("../../src/ledger/writer.ts");
type Watchdogs = typeof import("../../src/transport/watchdog.ts");
type Pools = typeof import("../../src/pool/pool.ts");
type Snapshots = typeof import("../../src/snapshot.ts");
type Fixtures = typeof import("../../src/proxy/fixtures/gateway-under-test.ts");
type Plans = typeof import("../../src/proxy/plan-request.ts");
type Endpoints = typeof import("../../src/dialects/endpoint.ts");

/** The client's headers as a request of the runtime holds them, and read once where the tree can. */
async function clientHeaders(tree: Tree): Promise<InstanceType<HeaderViews["HeaderList"]>> {
  const { HeaderList } = await tree.load<Partial<HeaderViews>>("core/header-view.ts");
  const native = new Request(URL_TEXT, { headers: CLIENT_HEADERS }).headers;
  const read: unknown = HeaderList?.of === undefined ? native : HeaderList.of(native);
  return read as InstanceType<HeaderViews["HeaderList"]>;
}

async function snapshotOf(tree: Tree) {
  const { configUnderTest } = await tree.load<Fixtures>("proxy/fixtures/gateway-under-test.ts");
  const { makeSnapshot } = await tree.load<Snapshots>("snapshot.ts");
  return makeSnapshot(
    configUnderTest({
      upstreams: [{ name: "bench", family: "openai", baseUrl: "http://127.0.0.1:9090/v1" }],
      models: [{ name: MODEL, targets: [`bench/${MODEL}`] }],
    }),
  );
}

export const STEPS: readonly Step[] = [
  {
    name: "id made",
    ways: [
      async (tree) => {
        const ids = (await tree.load<Ids>("core/ids.ts")).makeIds();
        return repeat(() => ids.ulid(Date.now()));
      },
    ],
  },
  {
    name: "key check",
    ways: [
      async (tree) => {
        const { makeKeyRing, digestOf, authenticate } = await tree.load<Keys>("auth/keys.ts");
        const ring = makeKeyRing([{ ...PLAIN_SETTINGS, name: "bench", keySha256: digestOf(KEY) }]);
        const headers = await clientHeaders(tree);
        if (authenticate(ring, headers, "") === null) throw new Error("the key was refused");
        return repeat(() => authenticate(ring, headers, ""));
      },
    ],
  },
  {
    name: "request peeked",
    ways: [
      async (tree) => {
        const { peekRequest } = await tree.load<Peeks>("dialects/peek.ts");
        return repeat(() => peekRequest("openai-chat", REQUEST));
      },
    ],
  },
  {
    name: "plan",
    ways: [
      async (tree) => {
        const { planRequest } = await tree.load<Plans>("proxy/plan-request.ts");
        const { makeRoute } = await tree.load<Endpoints>("dialects/endpoint.ts");
        const snapshot = await snapshotOf(tree);
        const route = makeRoute("chat.completions", "/v1/chat/completions");
        return repeat(() => planRequest(snapshot, route, MODEL, null, { modelGlobs: null, upstreams: null }));
      },
    ],
  },
  {
    name: "model put in (not in the bench's requests)",
    ways: [
      async (tree) => {
        const { peekRequest, rewriteRequest } = await tree.load<Peeks>("dialects/peek.ts");
        const peek = peekRequest("openai-chat", REQUEST);
        return repeat(() => rewriteRequest(REQUEST, peek, "gpt-5.4", null));
      },
    ],
  },
  {
    name: "lease and release",
    ways: [
      async (tree) => {
        const { makePool } = await tree.load<Pools>("pool/pool.ts");
        const { systemClock } = await tree.load<Clocks>("core/clock.ts");
        const { silentLog } = await tree.load<Logs>("core/log.ts");
        const { credentialSpecs } = await snapshotOf(tree);
        const options = { clock: systemClock, log: silentLog, restore: [], persist: () => undefined };
        const pool = makePool({ specs: credentialSpecs, ...options });
        return repeat(leaseAndReport(pool, "bench", MODEL));
      },
    ],
  },
  {
    name: "request headers",
    ways: [
      async (tree) => {
        const { makeUpstreamHeaders } = await tree.load<PassHeaders>("upstreams/pass-headers.ts");
        const headers = await clientHeaders(tree);
        const authLines = [["authorization", "Bearer sk-bench-upstream"]] as const;
        return repeat(() => makeUpstreamHeaders(headers, ["authorization"], authLines, []));
      },
    ],
  },
  {
    name: "request head text",
    ways: [
      async (tree) => {
        const { encodeRequestHead, parseDestination } = await tree.load<RequestHead>(
          "transport/http1/request-head.ts",
        );
        // A tree of before takes the URL alone.
        const destination = parseDestination(URL_TEXT, DIRECT);
        const request = { method: "POST", url: URL_TEXT, headers: UPSTREAM_LINES, body: REQUEST };
        return repeat(() => encodeRequestHead(request as never, destination));
      },
      async (tree) => {
        const { encodeRequestHead, parseOrigin } = await tree.load<
          RequestHead & { parseOrigin: (url: string) => never }
        >("transport/http1/request-head.ts");
        const origin = parseOrigin(URL_TEXT);
        const request = { method: "POST", url: URL_TEXT, headers: UPSTREAM_LINES, body: REQUEST };
        return repeat(() => encodeRequestHead(request as never, origin));
      },
    ],
  },
  {
    name: "reply head parsed",
    ways: [
      async (tree) => {
        const { parseHead } = await tree.load<ReplyHead>("transport/http1/reply-head.ts");
        return repeat(() => parseHead(REPLY_HEAD, "POST"));
      },
    ],
  },
  {
    name: "reply headers filtered",
    ways: [
      async (tree) => {
        const { makeReplyHeaderFilter } = await tree.load<PassHeaders>("upstreams/pass-headers.ts");
        const { parseHead } = await tree.load<ReplyHead>("transport/http1/reply-head.ts");
        const filter = makeReplyHeaderFilter(false);
        const { headers } = parseHead(REPLY_HEAD, "POST");
        return repeat(() => filter(headers, "01K00000000000000000000000"));
      },
    ],
  },
  {
    name: "reply tapped",
    ways: [
      async (tree) => {
        const { DIALECTS } = await tree.load<Dialects>("dialects/index.ts");
        const { makeTap } = DIALECTS["openai-chat"];
        const options = {
          framing: "json",
          peek: null,
          isUsageInjected: false,
          maxHeldBytes: 1 << 20,
        } as const;
        return repeat(() => {
          const tap = makeTap(options);
          tap.push(REPLY);
          tap.end();
          if (tap.usage === null) throw new Error("no usage was read");
        });
      },
    ],
  },
  {
    name: `row queued and committed, ${ROWS_A_COMMIT} a commit`,
    ways: [
      async (tree) => {
        const { makeLedger } = await tree.load<Ledgers>("ledger/ledger.ts");
        const { makeLedgerWriter } = await tree.load<Writers>("ledger/writer.ts");
        const { openStore } = await tree.load<Stores>("ledger/store-file.ts");
        const { sampleRow } = await tree.load<Rows>("ledger/fixtures/row.ts");
        const { systemClock } = await tree.load<Clocks>("core/clock.ts");
        const { silentLog } = await tree.load<Logs>("core/log.ts");
        const random = (await tree.load<Ids>("core/ids.ts")).makeIds();
        // An older ledger takes the ids of `makeIds`, and its writer takes none.
        const ids = await tree.load<RequestIdSources>("ledger/request-ids.ts").then(
          ({ RequestIds }) => new RequestIds(random),
          () => random as InstanceType<RequestIdSources["RequestIds"]>,
        );
        const dataDir = mkdtempSync(join(tmpdir(), "clewline-bench-"));
        const ledger = makeLedger({
          openWriter: () => makeLedgerWriter(openStore(dataDir), ids, systemClock),
          clock: systemClock,
          log: silentLog,
          onFailure: "refuse",
          queueRows: 1_000,
        });
        tree.onClose(async () => {
          await ledger.close();
          rmSync(dataDir, { recursive: true });
        });
        const commit = (): Promise<void> =>
          new Promise((resolve) => {
            let left = ROWS_A_COMMIT;
            const done = (): void => {
              left--;
              if (left === 0) resolve();
            };
            for (let i = 0; i < ROWS_A_COMMIT; i++) {
              const atMs = Date.now();
              // An older ledger returns a promise, a newer one calls back.
              const waiting: unknown = ledger.append(
                sampleRow({ id: ids.ulid(atMs), atMs }),
                undefined,
                done,
              );
              if (waiting instanceof Promise) void waiting.then(done);
            }
          });
        await commit();
        return async (times) => {
          for (let done = 0; done < times; done += ROWS_A_COMMIT) await commit();
        };
      },
    ],
  },
  {
    name: "metrics counted",
    ways: [
      async (tree) => {
        const { Metrics } = await tree.load<MetricsModule>("core/metrics.ts");
        const { METERED_KINDS } = await tree.load<UsageModule>("neutral/usage.ts");
        const { sampleRow } = await tree.load<Rows>("ledger/fixtures/row.ts");
        const metrics = new Metrics(METERED_KINDS);
        const row = sampleRow({ id: "01K00000000000000000000000" });
        const countsAttempts = "countAttempt" in metrics;
        return repeat(() => {
          if (countsAttempts) metrics.countAttempt("bench", "ok");
          else (metrics as Counts).attempts.add(1, "bench", "ok");
          metrics.countRequest(row);
        });
      },
    ],
  },
  {
    name: "watched and not any more, twice",
    ways: [
      async (tree) => {
        const { makeWatchdog, Watched } = await tree.load<
          Partial<Watchdogs> & Pick<Watchdogs, "makeWatchdog">
        >("transport/watchdog.ts");
        const { systemClock } = await tree.load<Clocks>("core/clock.ts");
        const Base = Watched ?? (class {} as unknown as Watchdogs["Watched"]);
        class Silent extends Base {
          check(): void {}
        }
        const watchdog = makeWatchdog(systemClock);
        tree.onClose(() => watchdog.stop());
        // As under load: others are watched meanwhile.
        for (let i = 0; i < 64; i++) watchdog.add(new Silent());
        return repeat(() => {
          const [call, body] = [new Silent(), new Silent()];
          watchdog.add(call);
          watchdog.add(body);
          watchdog.delete(call);
          watchdog.delete(body);
        });
      },
    ],
  },
];
