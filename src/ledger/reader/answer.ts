/** The work of the reader process: one question, one answer. */
import { StoreError } from "../../store/sql.ts";
import { openStoreReader } from "../store-file.ts";
import { readUsage } from "../usage/read-usage.ts";
import { UsageQueryError } from "../usage/usage-query.ts";
import { type Answer, MAX_GROUPS, type Question } from "./protocol.ts";

/** `question` is JSON of a `Question`, made by this program. */
export function answerQuestion(dataDir: string, question: string): Answer {
  try {
    const asked = JSON.parse(question) as Question;
    const sql = openStoreReader(dataDir);
    try {
      const limit = Math.min(asked.query.limit ?? MAX_GROUPS, MAX_GROUPS);
      return { kind: "usage", page: readUsage(sql, { ...asked.query, limit }) };
    } finally {
      sql.close();
    }
  } catch (error) {
    if (error instanceof UsageQueryError) return { kind: "wrong", message: error.message };
    if (error instanceof StoreError) return { kind: "unreadable", message: error.message };
    throw error;
  }
}
