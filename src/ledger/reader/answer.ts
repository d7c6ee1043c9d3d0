/** The work of the reader process: one question, one answer. */
import { type Sql, StoreError } from "../../store/sql.ts";
import { type NewestRows, readNewest } from "../newest-rows.ts";
import { openStoreReader } from "../store-file.ts";
import { readUsage } from "../usage/read-usage.ts";
import { type UsageGroup, type UsagePage, UsageQueryError } from "../usage/usage-query.ts";
import {
  type Answer,
  MAX_GROUPS,
  MAX_ROWS,
  type Question,
  type ReaderUsageQuery,
  type RowsQuery,
} from "./protocol.ts";
import { readStrips } from "./strips.ts";

/** `question` is JSON of a `Question`, made by this program. */
export function answerQuestion(dataDir: string, question: string): Answer {
  try {
    const asked = JSON.parse(question) as Question;
    const sql = openStoreReader(dataDir);
    try {
      return answer(sql, asked);
    } finally {
      sql.close();
    }
  } catch (error) {
    if (error instanceof UsageQueryError) return { kind: "wrong", message: error.message };
    if (error instanceof StoreError) return { kind: "unreadable", message: error.message };
    throw error;
  }
}

function answer(sql: Sql, asked: Question): Answer {
  if (asked.kind === "rows") {
    const read = ({ filter, limit, cursor }: RowsQuery): NewestRows =>
      readNewest(sql, filter, Math.min(limit, MAX_ROWS), cursor);
    return { kind: "rows", pages: asked.queries.map(read) };
  }
  if (asked.kind === "strips") return { kind: "strips", strips: readStrips(sql, asked.query) };
  const read = (query: ReaderUsageQuery): UsagePage =>
    query.top === undefined
      ? readUsage(sql, { ...query, limit: Math.min(query.limit ?? MAX_GROUPS, MAX_GROUPS) })
      : { groups: topOf(readUsage(sql, { ...query, limit: null }).groups, query.top), next: null };
  return { kind: "usage", pages: asked.queries.map(read) };
}

function topOf(groups: readonly UsageGroup[], count: number): readonly UsageGroup[] {
  const costOf = ({ costNanoUsd }: UsageGroup): bigint => costNanoUsd ?? -1n;
  const byCost = (a: UsageGroup, b: UsageGroup): number => {
    const [one, other] = [costOf(a), costOf(b)];
    if (one !== other) return one < other ? 1 : -1;
    return b.requests - a.requests;
  };
  return groups.toSorted(byCost).slice(0, Math.min(count, MAX_GROUPS));
}
