/** What one attempt needs of a credential. */
import type { Prefix } from "../dialects/prefix.ts";

/** How long a request waits for a credential whose cache holds its prompt, while another one has room. */
export interface WarmWait {
  /** The input tokens that have to be saved. */
  readonly worthTokens: number;
  /** On the monotonic clock. */
  readonly untilMs: number;
}

/** Read while `lease` runs, and not kept: the object may be that of a walk, and change with it. */
export interface Need {
  readonly upstream: string;
  /** The upstream's own name; "" when the request has no model. */
  readonly model: string;
  /** Ids (`upstream/credential`) that the request has tried; null on a first attempt. */
  readonly excluded: ReadonlySet<string> | null;
  /**
   * The id of the credential that holds the state which the request refers to: while the configuration has that
   * credential, no other one is chosen.
   */
  readonly stickyTo: string | null;
  /** A person wants to know how that credential is: it is taken in whatever state it is, and no other one is. */
  readonly isTest?: boolean;
  /** Name of the client's key. A suspicion that one key brought about does not count for others. */
  readonly key: string;
  /** The most that the request is taken for; 0 where it is not billed. Read only where a limit counts tokens. */
  readonly inputTokens: number;
  /** The most that the request may cost; null: nobody knows, or nobody is charged. Read only where a budget counts. */
  readonly costNanoUsd?: number | null;
  /**
   * What the provider will count of the input, as a rule; absent: `inputTokens`. Announced room is used by it: too low a
   * number costs a refusal now and then, too high a one leaves room unused at all times.
   */
  readonly likelyInputTokens?: number;
  /** The most that the answer may be; 0 where it is not billed. Read only where a limit counts tokens. */
  readonly outputTokens: number;
  /**
   * What a provider's prompt cache may hold of the request; null: nothing. To ask for it may read the whole body once, so
   * only a choice among several credentials does.
   */
  readonly prefix: Prefix | null;
  /** null and absent: it does not wait. Read only where such a credential is full. */
  readonly warmWait?: WarmWait | null;
}
