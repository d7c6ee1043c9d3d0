/** Server-sent events for all open pages: one look at the gateway for all of them, as long as there is one. */

import type { ClientRequest } from "../http/client-request.ts";
import { PASSED_ON_AT_ONCE } from "../http/reply-stream.ts";
import type { LedgerRow } from "../ledger/row.ts";
import type { Access } from "./access/access.ts";
import { AdminError } from "./admin-error.ts";
import { attentionOf } from "./attention.ts";
import type { AdminContext } from "./context.ts";
import type { LiveEvents } from "./contract.ts";
import { credentialState } from "./credentials/credential-state.ts";
import type { Caller, Handlers } from "./handler.ts";
import { EventRing } from "./live/event-ring.ts";
import { LiveStream } from "./live/live-stream.ts";
import { ToldCredentials } from "./live/told-credentials.ts";
import { listedRow } from "./requests/request-row.ts";

/** A page must show a change within a second. */
const LOOK_MS = 400;
const HEALTH_LOOKS = 5;
const ALIVE_LOOKS = 2;
const PING_LOOKS = 35;
const MAX_STREAMS = 64;
/** Rows of one event; of more the newest go, and the others are counted. */
const MAX_ROWS = 200;
/** The rows that a page begins with. */
const KEPT_ROWS = 100;

export class Live {
  readonly #context: AdminContext;
  readonly #access: Access;
  readonly #ring: EventRing;
  readonly #streams = new Map<LiveStream, Caller>();
  #rows: LedgerRow[] = [];
  #left = 0;
  #lastRows: LiveEvents["requests"]["rows"] = [];
  readonly #told = new ToldCredentials();
  #config: object | null = null;
  #keys: object | null = null;
  #configVersion = 0;
  #looks = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(context: AdminContext, access: Access) {
    this.#context = context;
    this.#access = access;
    this.#ring = new EventRing(context.ids.hex(4));
  }

  handlers(): Pick<Handlers, "live"> {
    // The frame lets nobody in who is not signed in.
    return { live: ({ client, caller }) => this.#open(client, caller as Caller) };
  }

  close(): void {
    for (const stream of this.#streams.keys()) stream.end();
    this.#streams.clear();
    this.#rest();
  }

  #open(client: ClientRequest, caller: Caller): Response {
    if (this.#streams.size >= MAX_STREAMS)
      throw new AdminError("unavailable", `there are ${MAX_STREAMS} open pages already; close one`);
    if (this.#streams.size === 0) this.#begin();
    client.suspendIdleTimeout();
    const stream = new LiveStream({
      ring: this.#ring,
      snapshot: () => this.#snapshot(),
      after: client.headers.get("last-event-id"),
      left: () => this.#leave(stream),
    });
    this.#streams.set(stream, caller);
    return new Response(stream.body, {
      headers: { "content-type": "text/event-stream", ...PASSED_ON_AT_ONCE },
    });
  }

  #leave(stream: LiveStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#rest();
  }

  #begin(): void {
    // What happened while nobody looked is not among the events, so nobody may resume from before.
    this.#ring.clear();
    const { snapshot } = this.#context;
    this.#config = snapshot().config;
    this.#keys = snapshot().keys;
    this.#told.begin(this.#states());
    this.#context.onRow((row) => {
      this.#rows.push(row);
      if (this.#rows.length <= MAX_ROWS) return;
      this.#rows.shift();
      this.#left += 1;
    });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  #rest(): void {
    this.#context.onRow(null);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#rows = [];
    this.#lastRows = [];
  }

  #look(): void {
    this.#looks += 1;
    this.#tellCredentials();
    this.#tellRows();
    this.#tellConfig();
    if (this.#looks % HEALTH_LOOKS === 0) this.#tell("health", this.#health());
    if (this.#looks % ALIVE_LOOKS === 0) this.#endSignedOut();
    for (const stream of [...this.#streams.keys()]) {
      stream.pump();
      if (this.#looks % PING_LOOKS === 0) stream.ping();
    }
  }

  #tell<Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]): void {
    this.#ring.add(name, data);
  }

  #tellCredentials(): void {
    const { clock } = this.#context;
    const { changed, gone } = this.#told.take(this.#states(), clock);
    if (changed.length === 0 && gone.length === 0) return;
    this.#tell("credentials", { nowMs: clock.nowMs(), credentials: changed, gone });
  }

  #tellRows(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows.map(listedRow);
    this.#tell("requests", { rows, left: this.#left });
    this.#rows = [];
    this.#left = 0;
    this.#lastRows = [...this.#lastRows, ...rows].slice(-KEPT_ROWS);
  }

  #tellConfig(): void {
    const { config, keys } = this.#context.snapshot();
    if (config === this.#config && keys === this.#keys) return;
    this.#config = config;
    this.#keys = keys;
    this.#configVersion += 1;
    this.#tell("config", { version: this.#configVersion, attention: attentionOf(this.#context) });
  }

  /** A session that has ended must not see more. */
  #endSignedOut(): void {
    for (const [stream, caller] of [...this.#streams]) {
      if (this.#isAlive(caller)) continue;
      stream.end();
      this.#leave(stream);
    }
  }

  #isAlive(caller: Caller): boolean {
    try {
      return this.#access.isAlive(caller);
    } catch {
      // The database cannot be read now; a page that is open may go on to show why.
      return true;
    }
  }

  #snapshot(): LiveEvents["snapshot"] {
    return {
      nowMs: this.#context.clock.nowMs(),
      credentials: this.#states(),
      requests: this.#lastRows,
      health: this.#health(),
      configVersion: this.#configVersion,
      attention: attentionOf(this.#context),
    };
  }

  #states(): LiveEvents["credentials"]["credentials"] {
    const { pool, away } = this.#context;
    return pool.list().map((status) => credentialState(status, away(status.upstream)));
  }

  #health(): LiveEvents["health"] {
    const health = this.#context.health();
    const isReady = !health.isDraining && health.ledgerFailure === null;
    return { nowMs: this.#context.clock.nowMs(), isReady, ...health };
  }
}
