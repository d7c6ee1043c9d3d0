/** Changes that make an upstream take a request that it refused. All false at first. */
export interface Repairs {
  /**
   * No reasoning state: the upstream refused a seal as damaged or not its own. A documented stand-in is sent
   * instead.
   */
  readonly withoutSeals: boolean;
  /** Chat: no `stream_options`. */
  readonly withoutStreamOptions: boolean;
  /**
   * Instructions only at the start: instructions between turns become text of the user's turn, in a fixed
   * tag.
   */
  readonly systemFirst: boolean;
  /** No request for a summary of the reasoning (organization not verified). */
  readonly withoutSummary: boolean;
}

export type Repair = keyof Repairs;

/** A refusal that a change of the request repairs. */
export interface Refusal {
  /** The provider's words in the error body. */
  readonly text: RegExp;
  readonly repair: Repair;
}
