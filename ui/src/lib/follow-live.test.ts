import { expect, test } from "bun:test";
import type { ReplyOf } from "../../../src/admin/contract.ts";
import { mergeStates } from "./follow-live.ts";

type Board = ReplyOf<"listCredentials">;
type Credential = Board["credentials"][number];

const credential = (id: string): Credential => ({
  id,
  upstream: "up",
  name: id,
  priority: 0,
  isOfCallers: false,
  state: "ready",
  reason: "",
  detail: "",
  key: null,
  untilMs: null,
  sinceMs: null,
  strikes: 0,
  inFlight: 0,
  models: [],
  owner: null,
  room: [],
  day: { startMs: 0, ok: [], failed: [], cacheReadShare: 0.5, costNanoUsd: "7", requests: 3 },
  lastErrors: [{ requestId: "r", atMs: 1, status: 429, errorKind: null }],
});

test("a newer state keeps what the ledger has told of the credential", () => {
  const board: Board = { nowMs: 1, credentials: [credential("a"), credential("b"), credential("c")] };
  const { day, lastErrors, ...state } = credential("b");
  const merged = mergeStates(board, [{ ...state, state: "cooling", untilMs: 99 }], ["c"], 2);
  expect(merged.credentials.map(({ id, state: now, untilMs }) => [id, now, untilMs])).toEqual([
    ["a", "ready", null],
    ["b", "cooling", 99],
  ]);
  expect(merged.credentials[1]?.day).toEqual(day);
  expect(merged.credentials[1]?.lastErrors).toEqual(lastErrors);
  expect(merged.nowMs).toBe(2);
  expect(board.credentials).toHaveLength(3);
});
