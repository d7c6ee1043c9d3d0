/**
 * One line for each request that has ended, for whoever watches the gateway. Failures are always told; the rest where the
 * operator wants it. Holds names, counts and times, and never a prompt, an answer or a secret.
 */
import type { ErrorKind, GatewayError } from "../errors.ts";
import type { Scheduler } from "../scheduler.ts";

export interface RequestLine {
  readonly requestId: string;
  /** The HTTP status that the client got; 499: it left before. */
  readonly status: number;
  /** As in `LedgerRow.outcome`. */
  readonly outcome: "ok" | "error" | "client_left" | "upstream_cut" | "refused";
  readonly errorKind: string | null;
  /** Why there is no answer, and how to repair it; null: the line says no more than `errorKind` and `failed`. */
  readonly reason: string | null;
  /** The name of the client key; null: none was shown, or it is not known. */
  readonly key: string | null;
  /** The model that was asked for, or method and path of what is no request for a model. */
  readonly asked: string | null;
  /** As `upstream/model`; null: no upstream was asked. */
  readonly model: string | null;
  readonly credential: string | null;
  /** The attempts that failed before, each as `upstream/credential: reason`. */
  readonly failed: readonly string[];
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanoUsd: number | null;
  readonly durationMs: number | null;
}

/** `times`: how many equal requests the line stands for. */
export type WriteRequestLine = (line: RequestLine, times: number) => void;

/** Failures that are alike are told once in so long. */
const REPEAT_MS = 1_000;

/** Texts of these errors may repeat a part of a request's body or of an upstream's reply. */
const QUOTING: ReadonlySet<ErrorKind> = new Set([
  "bad_request",
  "not_translatable",
  "foreign_dialect",
  "context_overflow",
  "state_not_found",
  "previous_state_not_found",
  "upstream_error",
  "upstream_garbage",
  "upstream_cut",
]);

/** The text of an error as a line may have it. */
export function reasonOf(error: GatewayError): string | null {
  return QUOTING.has(error.kind) ? null : error.message;
}

interface Repeated {
  line: RequestLine;
  times: number;
}

interface RequestLinesOptions {
  readonly write: WriteRequestLine;
  /** Whether requests that end well have a line, too. */
  readonly all: boolean;
  readonly scheduler: Scheduler;
}

export class RequestLines {
  readonly #options: RequestLinesOptions;
  /** Failures of the last second, by what makes them alike. */
  readonly #repeated = new Map<string, Repeated>();

  constructor(options: RequestLinesOptions) {
    this.#options = options;
  }

  /** Whether a request that ended so has a line. */
  isTold(outcome: RequestLine["outcome"]): boolean {
    return this.#options.all || outcome === "error" || outcome === "refused" || outcome === "upstream_cut";
  }

  ended(line: RequestLine): void {
    const { write, scheduler } = this.#options;
    if (line.outcome === "ok" || line.outcome === "client_left") {
      write(line, 1);
      return;
    }
    // Of names that clients choose, no part: a client must not decide how much is logged.
    const alike = [line.key, line.status, line.errorKind, line.model?.split("/")[0], line.credential].join(
      " ",
    );
    const known = this.#repeated.get(alike);
    if (known !== undefined) {
      known.line = line;
      known.times++;
      return;
    }
    write(line, 1);
    const repeated: Repeated = { line, times: 0 };
    this.#repeated.set(alike, repeated);
    scheduler.after(REPEAT_MS, () => {
      this.#repeated.delete(alike);
      if (repeated.times > 0) write(repeated.line, repeated.times);
    });
  }

  /** A request that has no row: it was refused at the door. `asked`: its method and path. */
  refused(requestId: string, error: GatewayError, asked: string): void {
    this.ended({
      requestId,
      status: error.status,
      outcome: "refused",
      errorKind: error.kind,
      reason: reasonOf(error),
      key: null,
      asked,
      model: null,
      credential: null,
      failed: [],
      inputTokens: null,
      outputTokens: null,
      costNanoUsd: null,
      durationMs: null,
    });
  }

  /** Tells what is counted and not told yet. */
  flush(): void {
    for (const { line, times } of this.#repeated.values()) if (times > 0) this.#options.write(line, times);
    this.#repeated.clear();
  }
}
