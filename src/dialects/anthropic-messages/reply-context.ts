/** What a reply to a client of this dialect depends on in its request. */
export interface Echo {
  /** false: the client asked for thinking without its text (`display: "omitted"`); it gets the signature alone. */
  readonly showsThinking: boolean;
}

/** The echo of a request; without one all is shown. */
export function echoOf(echo: unknown): Echo {
  return (echo as Echo | undefined) ?? { showsThinking: true };
}
