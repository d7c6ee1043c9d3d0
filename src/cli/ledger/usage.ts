/** `clewline usage`: requests, errors, tokens, cost and latency, summed up. */

import { usdText } from "../../core/money.ts";
import { rowsDeletedBefore } from "../../ledger/retention/retention.ts";
import { BOOKINGS } from "../../ledger/row.ts";
import { readUsage } from "../../ledger/usage/read-usage.ts";
import { type UsageQuery, UsageQueryError } from "../../ledger/usage/usage-query.ts";
import type { Sql } from "../../store/sql.ts";
import { EXIT } from "../cli.ts";
import { makeCommand, UsageError } from "../command.ts";
import { READER_FLAGS, withLedger } from "../ledger-reader.ts";
import { rebuild } from "./rebuild.ts";
import { parseQuery, QUERY_FLAGS } from "./usage-query.ts";
import { renderCsv, renderJson, renderTable } from "./usage-text.ts";

export const usage = makeCommand(
  {
    name: "usage",
    usage: [
      "[--by LIST] [--zone ZONE] [--since WHEN] [--until WHEN] [--key NAMES] [--model NAMES] … [--json | --csv]",
      "rebuild [--config FILE] [--data-dir DIR]",
    ],
    about: `Sums up the ledger: requests, errors, tokens, cost and latency (p50 and p95, within 1 %). Amounts are exact, and in US
dollars. A filter takes names as they stand in the ledger; an empty name means requests without one, as in --team "".`,
    positionals: {
      rebuild: "make the sums anew from the rows that there are; reports stay right meanwhile, but are slow",
    },
    flags: { ...QUERY_FLAGS, ...READER_FLAGS },
    notes: `A request with several tags is in the sum of each of them. "(others)" are names of clients that are too many to be told
apart.`,
  },
  async ({ flags, positionals }, io) => {
    const [action, ...rest] = positionals;
    if (action === "rebuild" && rest.length === 0) return rebuild(flags, io);
    if (action !== undefined)
      throw new UsageError(`${rest[0] ?? action} is no action; give rebuild, or flags alone for a report`);
    if (flags.json && flags.csv)
      throw new UsageError("--json and --csv exclude each other; give one of them");
    const query = parseQuery(flags, io.clock.nowMs());
    return withLedger("usage", flags, io, (sql) => {
      try {
        const { groups } = readUsage(sql, query);
        if (flags.json) io.out(renderJson(groups, query));
        else if (flags.csv) io.out(renderCsv(groups, query));
        else io.out(renderTable(groups, query) + bookingsOf(sql, query));
        io.err(deletedRowsNote(sql, query));
      } catch (error) {
        if (!(error instanceof UsageQueryError)) throw error;
        io.err(`clewline usage: ${error.message}\n`);
        return EXIT.usage;
      }
      return EXIT.ok;
    });
  },
);

/** Says which rows are deleted, if the report is about their time. */
function deletedRowsNote(sql: Sql, { sinceMs }: UsageQuery): string {
  const beforeMs = rowsDeletedBefore(sql);
  if (beforeMs === null || (sinceMs !== null && sinceMs >= beforeMs)) return "";
  return `clewline usage: rows from before ${new Date(beforeMs).toISOString()} are deleted, as [ledger] keep_days and keep_bytes say. Their sums
by key, team, model, upstream, credential and dialect are in this report; what only rows tell (see docs/usage.md) is not.
`;
}

/** What of the amounts is no request's: what crashes may have lost, and what a person has corrected. */
function bookingsOf(sql: Sql, query: UsageQuery): string {
  const { where } = query;
  // Of users and tags these rows have none.
  if (where.endpoint !== undefined || where.user !== undefined || where.tag !== undefined) return "";
  const booked = readUsage(sql, {
    ...query,
    by: ["endpoint"],
    period: null,
    where: { ...where, endpoint: BOOKINGS },
  });
  const amount = (name: string): bigint =>
    booked.groups.find(({ values }) => values.endpoint === name)?.costNanoUsd ?? 0n;
  const [lost, corrected] = [amount("lost"), amount("correction")];
  if (lost === 0n && corrected === 0n) return "";
  return `\nof the amounts, booked for what crashes may have lost: ${usdText(lost)}; corrected by a person: ${usdText(corrected)}\n`;
}
