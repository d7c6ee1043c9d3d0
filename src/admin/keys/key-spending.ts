import { stretchAt } from "../../core/calendar.ts";
import { UTC } from "../../core/time-zone.ts";
import { ReaderError } from "../../ledger/reader/ledger-reader.ts";
import { ALL_USAGE, type UsagePage } from "../../ledger/usage/usage-query.ts";
import type { AdminContext } from "../context.ts";
import type { ReplyOf } from "../contract.ts";

/** What a key has spent in the present day, week and month (UTC), and in all; null: the ledger cannot be read now. */
export async function spendingOf(
  { clock, reader, log }: Pick<AdminContext, "clock" | "reader" | "log">,
  key: string,
): Promise<ReplyOf<"getKey">["spent"]> {
  const nowMs = clock.nowMs();
  const since = (period: "day" | "week" | "month") => stretchAt(period, UTC, nowMs).startMs;
  const all = { ...ALL_USAGE, where: { key: [key] } };
  try {
    const [day, week, month, whole] = await reader.usages([
      { ...all, sinceMs: since("day") },
      { ...all, sinceMs: since("week") },
      { ...all, sinceMs: since("month") },
      all,
    ]);
    return {
      dayNanoUsd: costIn(day),
      weekNanoUsd: costIn(week),
      monthNanoUsd: costIn(month),
      allNanoUsd: costIn(whole),
    };
  } catch (error) {
    if (!(error instanceof ReaderError)) throw error;
    log.warn({ key, error: error.message }, "what a key has spent cannot be read now");
    return null;
  }
}

function costIn(page: UsagePage | undefined): string {
  return String(page?.groups[0]?.costNanoUsd ?? 0n);
}
