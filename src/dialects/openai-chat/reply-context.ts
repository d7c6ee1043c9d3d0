/** The part of a Chat request on which its reply depends. */
export interface ChatReplyContext {
  /** `stream_options.include_usage`: a usage member on every chunk, and one more chunk with the counts. */
  readonly includeUsage: boolean;
  /** The request named its tools in the deprecated `functions`: a call is written as `function_call`. */
  readonly usesFunctions: boolean;
}
