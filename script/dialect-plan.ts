/** The floor plan of a dialect's folder: the same concept has the same file name in each dialect. */

/** Files that each dialect has. */
export const PLAN: readonly string[] = [
  "dialect",
  "codec",
  "peek",
  "tap",
  "usage",
  "stop",
  "seal",
  "unseal",
  "amend",
  "request-decode",
  "request-encode",
  "turn-decode",
  "turn-encode",
  "part-decode",
  "tool-decode",
  "tool-encode",
  "reply-decode",
  "reply-encode",
  "stream-decode",
  "stream-encode",
  "error-decode",
  "error-encode",
  "repair",
  "repeat",
];

/** Files that a dialect has if it needs them. */
export const OPTIONAL: readonly string[] = [
  "wire",
  "models",
  "call-id",
  "citation",
  "part-encode",
  "media-encode",
  "thinking-decode",
  "thinking-encode",
  "reply-context",
];

/** Files of one dialect, and why. */
export const EXTRA: Readonly<Record<string, string>> = {
  "anthropic-messages/cache-marks": "the four marks of the prompt cache are counted over the whole request",
  "anthropic-messages/client-tools": "tools of Anthropic's own kinds that the client runs",
  "anthropic-messages/vertex-form":
    "Vertex AI has the same language with one other member, and bodies go both ways",
  "anthropic-messages/search": "a search is a pair of blocks, read and written alike",
  "gemini/config-decode": "generationConfig is an object of its own",
  "gemini/config-encode": "generationConfig is an object of its own",
  "gemini/grounding-decode": "citations stand apart from the text, counted in bytes",
  "gemini/grounding-encode": "citations stand apart from the text, counted in bytes",
  "gemini/mime-type": "media without a type get one by their address",
  "gemini/offsets": "offsets in bytes become offsets in characters",
  "gemini/partial-args": "arguments come as changes to a value",
  "gemini/running-usage": "each chunk carries the usage so far, and only the last one counts",
  "gemini/schema-decode": "schemas are OpenAPI's, with types in capitals",
  "openai-chat/call-slot": "fragments of a call are told apart by index, id or order",
  "openai-chat/reasoning-members": "servers give reasoning in many members, and want it back there",
  "openai-chat/said-parts": "servers give the content of an answer as a list of parts",
  "openai-chat/thought-tags": "some servers give thinking in tags in front of the text",
  "openai-chat/repeated-chunk": "most chunks repeat the one before but for their text",
  "openai-responses/event-writer": "each event has a number",
  "openai-responses/item-decode": "the input and the output are lists of items",
  "openai-responses/item-encode": "the input and the output are lists of items",
  "openai-responses/item-writer": "an item holds several parts and ends when the next one begins",
  "openai-responses/response-frame": "events hold the whole response, most of which repeats the request",
};
