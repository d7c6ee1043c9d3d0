// A ledger that cannot be read, or does not answer, keeps no page waiting.
import { expect, test } from "bun:test";
import { ReaderError, type ReaderFault } from "../ledger/reader/ledger-reader.ts";
import type { AdminContext } from "./context.ts";
import { AdminUnderTest } from "./fixtures/admin-under-test.ts";

const PATHS = ["overview", "overview?by=model", "requests", "requests/01M8MT75D600103PYZ2EH18JM5"];

function readerOf(answer: () => Promise<never>): AdminContext["reader"] {
  return { usages: answer, rows: answer, strips: answer };
}

async function ask(change: Partial<AdminContext>, path: string) {
  const under = new AdminUnderTest(change);
  try {
    const { cookie } = await under.browser();
    const reply = await under.call(path, { headers: { cookie } });
    return { status: reply.status, retryAfter: reply.headers.get("retry-after"), body: await reply.json() };
  } finally {
    under.close();
  }
}

test.each(PATHS)(
  "%s: a reader that never answers gets a clear 503 with a time to come back",
  async (path) => {
    const reader = readerOf(() => new Promise(() => undefined));
    const { status, retryAfter, body } = await ask({ reader, reportWaitMs: 20 }, path);
    expect(status).toBe(503);
    expect(Number(retryAfter)).toBeGreaterThan(0);
    expect(body).toMatchObject({
      error: {
        kind: "unavailable",
        message: expect.stringContaining("the ledger"),
        repair: expect.any(String),
      },
    });
  },
);

const FAULTS: Record<ReaderFault, number> = {
  wrong: 400,
  busy: 503,
  time: 503,
  memory: 503,
  size: 503,
  failed: 503,
  stopped: 503,
};
test.each(Object.entries(FAULTS) as [ReaderFault, number][])(
  "a reader's fault %s is told as %d, with its words",
  async (fault, expected) => {
    for (const path of PATHS) {
      const reader = readerOf(() => Promise.reject(new ReaderError(fault, "words of the reader")));
      const { status, retryAfter, body } = await ask({ reader }, path);
      expect(status).toBe(expected);
      expect(retryAfter !== null).toBe(expected === 503);
      expect(JSON.stringify(body)).toContain("words of the reader");
    }
  },
);

test("the board of credentials and a key are shown without the ledger", async () => {
  const reader = readerOf(() => Promise.reject(new ReaderError("failed", "words of the reader")));
  expect((await ask({ reader }, "credentials")).status).toBe(200);
});
