// What needs a person, as the pages are told.
import { afterEach, expect, test } from "bun:test";
import { attentionOf } from "./attention.ts";
import { AdminUnderTest } from "./fixtures/admin-under-test.ts";

let admin: AdminUnderTest;
afterEach(() => admin.close());

const models = (count: number): string[] => Array.from({ length: count }, (_, at) => `up/model-${at}`);

test.each([
  [0, null],
  [1, "The model up/model-0 has no price, so its requests have no cost."],
  [2, "These models have no price, so their requests have no cost: up/model-0, up/model-1."],
  [
    7,
    "These models have no price, so their requests have no cost: up/model-0, up/model-1, up/model-2, up/model-3, up/model-4 and 2 more.",
  ],
])("%d models without a price are one item at most", (count, text) => {
  admin = new AdminUnderTest({ unpricedSince: () => models(count) });
  const items = attentionOf(admin.context).filter(({ kind }) => kind.endsWith("_unpriced"));
  expect(items.map((item) => item.text)).toEqual(text === null ? [] : [text]);
});

test("an upstream that is away is told, and its credentials are not said to be refused", () => {
  const reason = "the upstream cannot be reached; check its base_url and the network";
  admin = new AdminUnderTest({
    unpricedSince: () => [],
    away: (upstream) => ({ upstream, reason, sinceMs: 1 }),
  });
  expect(attentionOf(admin.context).map(({ kind, about }) => [kind, about])).toContainEqual([
    "upstream_unreachable",
    "up",
  ]);
  expect(JSON.stringify(attentionOf(admin.context))).not.toContain("credential_");
});
