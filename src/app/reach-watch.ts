/** Looks again at upstreams that are away, so that who has repaired one sees so without sending a request. */
import { GatewayError } from "../core/errors.ts";
import type { Scheduler } from "../core/scheduler.ts";
import type { Reach } from "../pool/health/reach.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Dial } from "../transport/dial/dial.ts";

const LOOK_MS = 5_000;

export interface ReachWatchOptions {
  readonly gateway: {
    readonly snapshot: Snapshot;
    readonly reach: Pick<Reach, "list" | "reached">;
    readonly transport: { readonly dial: Pick<Dial, "probe"> };
  };
  readonly scheduler: Scheduler;
}

/** Whether a changed configuration leads to the upstream by other ways, or not at all. */
export function isLedElsewhere(name: string, before: Snapshot, after: Snapshot): boolean {
  return waysTo(name, before) !== waysTo(name, after);
}

function waysTo(name: string, { upstreams }: Snapshot): string {
  const credentials = [...(upstreams.get(name)?.credentials.values() ?? [])];
  return credentials.map(({ baseUrl, via }) => `${baseUrl} ${via.key}`).join("\n");
}

export class ReachWatch {
  readonly #options: ReachWatchOptions;
  #cancel: (() => void) | null = null;
  #isClosed = false;

  constructor(options: ReachWatchOptions) {
    this.#options = options;
  }

  /** Some upstream may be away. While none is, nothing runs. */
  changed(): void {
    const { gateway, scheduler } = this.#options;
    if (this.#isClosed || this.#cancel !== null || gateway.reach.list().length === 0) return;
    this.#cancel = scheduler.after(LOOK_MS, () => void this.#look());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #look(): Promise<void> {
    const { reach } = this.#options.gateway;
    try {
      await Promise.all(reach.list().map(({ upstream }) => this.#lookAt(upstream)));
    } finally {
      // A look that fails in any other way must not be the last one.
      this.#cancel = null;
      this.changed();
    }
  }

  /** One way that leads there is enough, as with requests. Makes a connection, and sends nothing. */
  async #lookAt(name: string): Promise<void> {
    const { gateway } = this.#options;
    const upstream = gateway.snapshot.upstreams.get(name);
    if (upstream === undefined) return;
    for (const { baseUrl, via } of upstream.credentials.values()) {
      try {
        await gateway.transport.dial.probe(baseUrl, via, upstream.connectTimeoutMs);
        gateway.reach.reached(name);
        return;
      } catch (cause) {
        if (!(cause instanceof GatewayError)) throw cause;
      }
    }
  }
}
