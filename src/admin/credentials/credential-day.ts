/** What the ledger knows of the last 24 hours of each credential, kept for a minute: a look takes a process. */
import type { Log } from "../../core/log.ts";
import { ReaderError } from "../../ledger/reader/ledger-reader.ts";
import type { CredentialStrip } from "../../ledger/reader/protocol.ts";
import type { AdminContext } from "../context.ts";
import type { ReplyOf } from "../contract.ts";
import { soon } from "../soon.ts";

type Credential = ReplyOf<"listCredentials">["credentials"][number];

const HOUR_MS = 3_600_000;
const HOURS = 24;
const FRESH_MS = 60_000;
/** The board does not wait longer for the ledger: its states are there at once, and it asks again for the rest. */
const WAIT_MS = 250;
const ERRORS_READ = 300;
const ERRORS_SHOWN = 5;

interface Day {
  readonly startMs: number;
  readonly strips: ReadonlyMap<string, CredentialStrip>;
  readonly errors: ReadonlyMap<string, Credential["lastErrors"]>;
}

export class CredentialDays {
  readonly #context: Pick<AdminContext, "clock" | "reader"> & { readonly log: Log };
  #known: { readonly untilMs: number; readonly day: Promise<Day | null> } | null = null;

  constructor(context: AdminContext) {
    this.#context = context;
  }

  /** Of a credential by its id; its members are null and empty as long as the ledger has not answered. */
  async facts(): Promise<(id: string) => Pick<Credential, "day" | "lastErrors">> {
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#known === null || nowMs >= this.#known.untilMs)
      this.#known = { untilMs: nowMs + FRESH_MS, day: this.#read() };
    const day = await soon(this.#known.day, WAIT_MS);
    return (id) =>
      day === null
        ? { day: null, lastErrors: [] }
        : { day: dayOf(day.startMs, day.strips.get(id)), lastErrors: day.errors.get(id) ?? [] };
  }

  async #read(): Promise<Day | null> {
    const { clock, reader, log } = this.#context;
    const startMs = (Math.floor(clock.nowMs() / HOUR_MS) - HOURS + 1) * HOUR_MS;
    const filter = { sinceMs: startMs, status: { outcome: "error" } } as const;
    try {
      const strips = await reader.strips({ sinceMs: startMs, hours: HOURS });
      const [page] = await reader.rows([{ filter, limit: ERRORS_READ, cursor: null }]);
      const errors = new Map<string, Credential["lastErrors"]>();
      for (const { id: requestId, atMs, status, errorKind, upstream, credential } of page?.rows ?? []) {
        if (upstream === null || credential === null) continue;
        const id = `${upstream}/${credential}`;
        const known = errors.get(id) ?? [];
        if (known.length < ERRORS_SHOWN) errors.set(id, [...known, { requestId, atMs, status, errorKind }]);
      }
      const byId = new Map(strips.map((strip) => [`${strip.upstream}/${strip.credential}`, strip]));
      return { startMs, strips: byId, errors };
    } catch (error) {
      if (!(error instanceof ReaderError)) throw error;
      log.warn({ error: error.message }, "the last hours of the credentials cannot be read now");
      return null;
    }
  }
}

function dayOf(startMs: number, strip: CredentialStrip | undefined): Credential["day"] {
  const byHour = (counts: readonly number[] | undefined): number[] =>
    Array.from({ length: HOURS }, (_, at) => counts?.[at] ?? 0);
  const [ok, failed] = [byHour(strip?.ok), byHour(strip?.failed)];
  const input = strip?.inputTokens ?? null;
  const read = strip?.cacheReadTokens ?? null;
  return {
    startMs,
    ok,
    failed,
    cacheReadShare: input === null || read === null || input === 0 ? null : Math.min(1, read / input),
    costNanoUsd: strip?.costNanoUsd ?? null,
    requests: [...ok, ...failed].reduce((sum, requests) => sum + requests, 0),
  };
}
