/** The part of a Messages request on which its reply depends. */
export interface MessagesReplyContext {
  /**
   * false: the client asked for thinking without its text (`display: "omitted"`); it gets the signature
   * alone.
   */
  readonly showsThinking: boolean;
}

/** Shows everything when the request was not decoded. */
export function replyContextOf(replyContext: unknown): MessagesReplyContext {
  return (replyContext as MessagesReplyContext | undefined) ?? { showsThinking: true };
}
