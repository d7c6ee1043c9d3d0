/** The rows of the ledger: pages of them, and one in full. */
import type { RowFilter, StatusFilter } from "../ledger/row-filter.ts";
import { USAGE_KIND_NAMES } from "../neutral/usage.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import type { ReadQueryOf } from "./contract.ts";
import type { Handlers } from "./handler.ts";
import { inTime } from "./ledger-fault.ts";
import { dropsIn, listedRow, tagsIn, timelineOf } from "./requests/request-row.ts";

const PAGE_ROWS = 100;

export function makeRequestHandlers(context: AdminContext): Pick<Handlers, "listRequests" | "getRequest"> {
  return {
    listRequests: ({ query }) =>
      inTime(context, async () => {
        const asked = {
          filter: filterOf(query),
          limit: query.limit ?? PAGE_ROWS,
          cursor: query.cursor ?? null,
        };
        const [page] = await context.reader.rows([asked]);
        return { rows: (page?.rows ?? []).map(listedRow), next: page?.next ?? null };
      }),
    getRequest: ({ params: { id } }) =>
      inTime(context, async () => {
        const [page] = await context.reader.rows([{ filter: { id }, limit: 1, cursor: null }]);
        const row = page?.rows[0];
        if (row === undefined)
          throw new AdminError("not_found", "no row of the ledger has this id", {
            repair: "the row of a request is written when the request has ended",
          });
        const plan = row.modelAsked === null ? null : context.snapshot().plan(row.modelAsked);
        return {
          row: listedRow(row),
          upstreamDialect: row.upstreamDialect,
          modelReported: row.modelReported,
          clientRequestId: row.clientRequestId,
          upstreamRequestId: row.upstreamRequestId,
          clientAddress: row.clientAddress,
          userAgent: row.userAgent,
          endUser: row.endUser,
          tags: tagsIn(row.tags),
          requestBytes: row.requestBytes,
          replyBytes: row.replyBytes,
          serviceTier: row.usage.serviceTier,
          region: row.usage.region,
          usage: Object.fromEntries(
            USAGE_KIND_NAMES.flatMap((kind) => {
              const count = row.usage[kind];
              return count === null ? [] : [[kind, count]];
            }),
          ),
          timeline: timelineOf(row),
          plan:
            plan !== null && "targets" in plan
              ? plan.targets.map(({ upstream, model }) => ({ upstream, model }))
              : [],
          drops: dropsIn(row.drops),
          cost: {
            nanoUsd: row.costNanoUsd,
            savedNanoUsd: row.savedNanoUsd,
            priceVersion: row.priceVersion,
            gaps: tagsIn(row.costGaps),
            lines: context.costLines(row)?.map((line) => ({ ...line })) ?? null,
          },
        };
      }),
  };
}

function filterOf(query: ReadQueryOf<"listRequests">): RowFilter {
  const { fromMs, toMs, key, model, upstream, credential, status, user, tag, id, text } = query;
  const slash = credential?.indexOf("/") ?? -1;
  const named = credential !== undefined && slash > 0;
  return {
    sinceMs: fromMs,
    untilMs: toMs,
    key,
    model,
    upstream: named ? credential.slice(0, slash) : upstream,
    credential: named ? credential.slice(slash + 1) : credential,
    status: status === undefined ? undefined : statusOf(status),
    user,
    tag,
    id,
    text,
  };
}

function statusOf(text: string): StatusFilter {
  if (text === "ok" || text === "error") return { outcome: text };
  return text.endsWith("xx") ? { class: Number(text[0]) } : { code: Number(text) };
}
