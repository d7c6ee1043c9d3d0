// Every word that a request can send to the simulator, with its effect. The page of help prints this list.

/** Words that decide the model's answer: `word` or `word=value`. A request may combine them. */
export const SCRIPT_WORDS = {
  says: "says=TEXT: this text (percent-encoded where it holds a comma), or nothing at all",
  calls:
    "calls=N: N parallel calls of the offered tools in turn, but of none that starts an agent, until their results are there; 0: none",
  "no-args": "the called tools get no arguments",
  "text-and-calls": "the text comes too, before the calls",
  interleaves: "thinking, text, thinking, text; with calls: a call, text, the other calls",
  thinks:
    "reasoning although nobody asked for it; thinks=raw: as the content of a Responses item, not as a summary",
  redacted: "the reasoning is there but not to be read",
  cites: "a web search and citations; cites=document: citations of a document",
  refuses: "a refusal with text; refuses=empty: without any content",
  blocks: "Gemini: the prompt is blocked, no candidate; elsewhere as refuses=empty",
  length: "cut in the middle of the text, or of the last call's arguments",
  finish: "finish=REASON: this stop or finish reason as it is (Responses: the reason for being incomplete)",
  pauses: "Messages: pause_turn once (or pauses=N times), then the rest",
  continues: "Gemini: finishes once (or continues=N times) with CONTINUATION and a token, then the rest",
  "cache-min": "cache-min=N: prompts from N tokens on are cached, not only from 1024 on",
  compat: "compat=WORD[+WORD…]: oddities of compatible servers, listed below",
} as const;

export type ScriptWord = keyof typeof SCRIPT_WORDS;

/** Oddities of compatible servers, by dialect. */
export const COMPAT_WORDS = {
  "openai-chat": {
    "no-index": "fragments of calls without an index",
    "index-from-1": "the first call has index 1",
    "repeated-id": "each fragment of a call repeats id, type and name",
    "empty-id": "the ids of calls are empty",
    "late-name": "a call's name comes in its second fragment",
    interleaved: "the fragments of parallel calls come in turn: 0, 1, 0, 1",
    "whole-calls": "each call comes in one chunk",
    "text-after-call": "a line feed as text between two calls and after the last one",
    "one-chunk": "text, calls and finish in one chunk",
    "role-only": "a chunk with the role, then [DONE]",
    "empty-role": "each delta has an empty role",
    "no-finish": "no finish_reason at all",
    "stop-for-calls": "finish_reason stop although there are calls",
    "calls-for-stop": "finish_reason tool_calls although there is none",
    "after-done": "a chunk and a second [DONE] after the first",
    "usage-every-chunk": "the usage so far in every chunk, asked for or not",
    "usage-in-finish": "usage in the chunk with the finish_reason, none after it",
    "usage-twice": "two chunks with usage, of which the second is right",
    "no-usage": "no usage, asked for or not",
    "flat-cache": "cached tokens as prompt_cache_hit_tokens",
    "outside-reasoning": "reasoning tokens are not among the completion tokens",
    "odd-usage": "completion tokens below zero and a wrong total",
    reasoning: "reasoning text in `reasoning` instead of `reasoning_content`",
    "stop-reason": "the matched stop sequence in stop_reason",
    "bad-args": "arguments that are no JSON, finish_reason tool_calls",
    "empty-args": "arguments are an empty string",
    "null-args": "arguments are the text null",
    "blank-args": "arguments are white space",
    "no-stream-options": "refuses stream_options with 400",
    "no-developer": "refuses the role developer with 400",
    "system-first": "refuses a system message that is not first, as Qwen's template does",
    "system-first-mistral": "the same in the words of Mistral's template",
    "cached-at-top": "cached tokens as cached_tokens beside the other counts",
    "usage-in-choice": "in streams the usage in the choice with the finish_reason alone",
    "x-groq": "in streams the usage in x_groq of the last chunk alone",
    "reasoning-details":
      "reasoning text in `reasoning`, and as entries of `reasoning_details` with a seal at their end",
    "reasoning-chunks": "reasoning as parts of `content`, of type thinking",
    "think-tags":
      "reasoning in <think> tags of the text; with reasoning_split as entries of `reasoning_details`",
    "base-resp": "base_resp with status 0 beside each answer",
    "needs-reasoning": "refuses calls in the history without their reasoning_content",
  },
  "openai-responses": {
    "no-added": "no response.output_item.added",
    "no-deltas": "no deltas, only the events that say done",
    "repeated-done": "each output_item.done twice",
    "no-usage": "no usage",
    "short-usage": "usage without the details",
    "no-error-code": "the 400 about encrypted content has no code, as some relays pass it on",
  },
  "anthropic-messages": {
    "repeated-id": "all calls have one id",
    "unknown-event": "events and deltas of a kind that nobody knows",
    "null-usage": "null for the cache members of usage",
    "fallback-block": "a block of kind fallback before the last one",
    "late-usage": "two message_delta events, the second with the final usage",
  },
  gemini: {
    "no-parts": "a chunk whose content has no parts",
    "no-content": "a chunk whose candidate has no content",
    "no-candidates": "a chunk with an empty list of candidates",
    "usage-chunk": "a chunk of usage alone, after the finish",
    "signed-end": "a last part with empty text and a thoughtSignature",
    "partial-args": "arguments of calls in pieces: partialArgs, willContinue",
    "no-ids": "calls without ids",
    "no-finish": "no finishReason at all",
    malformed: "finishReason MALFORMED_FUNCTION_CALL and no call",
  },
} as const satisfies Record<string, Record<string, string>>;

export type CompatDialect = keyof typeof COMPAT_WORDS;
export type CompatWord<Dialect extends CompatDialect> = keyof (typeof COMPAT_WORDS)[Dialect] & string;
