/** What replies have to know of the request. */

export interface ChatEcho {
  /** `stream_options.include_usage`: usage on all chunks, and one more chunk with it. */
  readonly includeUsage: boolean;
  /** The request named its tools in the deprecated `functions`: a call is told as `function_call`. */
  readonly usesFunctions: boolean;
}
