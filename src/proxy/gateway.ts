/** The parts of the house that serve a request; `app.ts` wires them. */
import type { AnswerCache } from "../cache/answer-cache.ts";
import type { Captures } from "../capture/captures.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { MemoryBudget } from "../core/memory-budget.ts";
import type { Metrics } from "../core/metrics.ts";
import type { RequestLines } from "../core/request-lines/request-lines.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { Breaker } from "../pool/health/breaker.ts";
import type { Reach } from "../pool/health/reach.ts";
import type { Pool } from "../pool/pool.ts";
import type { WaitingRoom } from "../pool/waiting/waiting-room.ts";
import type { UnpricedModels } from "../prices/unpriced-models.ts";
import type { Snapshot } from "../snapshot.ts";
import type { StateId } from "../store/state.ts";
import type { SealMemory } from "../translate/seal-memory.ts";
import type { Transport } from "../transport/call.ts";
import type { MediaFetch } from "../transport/media-fetch.ts";
import type { LearnedRepairs } from "../upstreams/refusals/learned-repairs.ts";
import type { Background } from "./background/pending.ts";
import type { ObservedTargets } from "./order/observed-targets.ts";

export interface Gateway {
  /** The view in force. Read it once for each request. */
  readonly snapshot: Snapshot;
  readonly pool: Pool;
  /** Where requests wait for a credential. */
  readonly waiting: WaitingRoom;
  readonly breaker: Breaker;
  /** For people; the breaker decides where requests go. */
  readonly reach: Reach;
  readonly ledger: Ledger;
  readonly limiter: Limiter;
  /** Asked only where `snapshot.usesCache`. */
  readonly cache: AnswerCache;
  /** Asked only where the key's requests are captured. */
  readonly captures: Pick<Captures, "begin">;
  readonly transport: Transport;
  /** The upstreams and credentials that hold an object of this id, and the keys that made it; empty: unknown. */
  findState(id: string): readonly StateId[];
  /** Fetches a file that a client names by URL, from the public Internet only. Rejects with `bad_request`. */
  readonly fetchMedia: MediaFetch;
  /** Changes to requests that upstreams were found to need. */
  readonly repairs: LearnedRepairs;
  /** How targets do whose order goes by it. */
  readonly observed: ObservedTargets;
  /** Models that were used without a price. */
  readonly unpriced: UnpricedModels;
  /** Responses that providers go on to make behind their replies. */
  readonly background: Background;
  /** Sealed reasoning, for clients whose dialect cannot carry it. */
  readonly memory: SealMemory;
  /** What all requests hold in memory. */
  readonly memoryBudget: MemoryBudget;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly requestLines: RequestLines;
  /** The process is draining: nothing new is accepted. */
  readonly isDraining: boolean;
}
