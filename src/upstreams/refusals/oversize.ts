/**
 * Reads from a refusal that a request is too large for its model: which part of it, and the numbers. Each row
 * is the wording of a known server; it has to stand at the beginning of the message, because a message may
 * quote the client.
 */
import type { Oversize } from "../../core/errors.ts";

/** A refusal of a request for its size. */
export interface SizeRefusal extends Oversize {
  /** The server stopped counting once the prompt was too long: it may be longer than `promptTokens`. */
  readonly isPromptAtLeast: boolean;
  /** The money in the account, or the form of the request, sets the limit, and not the model. */
  readonly isPassing: boolean;
  /** The words that say so; behind them the message may quote the client. */
  readonly words: string;
}

interface Wording {
  readonly part: Oversize["part"];
  readonly isPassing: boolean;
  /**
   * Groups: `limit`, or `above` (one more than the limit); `prompt`, `asked`, and `total` of both; `least`:
   * the prompt may be longer.
   */
  readonly words: RegExp;
}

/** A number, as in 32768, 1,048,576 or 524288.0. */
const N = String.raw`\d{1,3}(?:,\d{3})+|\d{1,15}(?:\.0)?`;

/** `<name>` stands for a number with that name, and `<>` for any number. The words come first in the message. */
function wording(part: Oversize["part"], words: string, isPassing = false): Wording {
  const source = words
    .replaceAll("<>", `(?:${N})`)
    .replaceAll(/<(limit|above|prompt|asked|total)>/g, (_, name: string) => `(?<${name}>${N})`);
  return { part, isPassing, words: new RegExp(`^(?:${source})`, "is") };
}

/** In the order to try them. */
const WORDINGS: readonly Wording[] = [
  // OpenAI, Azure, DeepSeek, vLLM to 0.10, OpenRouter ("about", "endpoint"): vllm-project/vllm#20409,
  // evalstate/fast-agent#621, Aider-AI/aider#3721, earendil-works/pi#6378. Without a number for the answer, the prompt is too long.
  wording(
    "sum",
    "this (?:model|endpoint)'s maximum context length is <limit> tokens[.,] however,? you requested (?:about )?<total> tokens \\([^()]{0,120}?<asked> (?:in|for) the (?:completion|output)",
  ),
  wording(
    "prompt",
    "this (?:model|endpoint)'s maximum context length is <limit> tokens[.,] however,? you requested (?:about )?<prompt> tokens",
  ),
  // vLLM from 0.18. It stops to count at the first token that is too many.
  wording(
    "sum",
    "this model's maximum context length is <limit> tokens\\. however, you requested <asked> output tokens and your prompt contains (?<least>at least )?<prompt> input tokens",
  ),
  wording(
    "sum",
    "this model's maximum context length is <limit> tokens\\. however, you requested <asked> output tokens and your prompt contains <> characters",
  ),
  // vLLM 0.16 and 0.17: vllm-project/vllm#33418.
  wording(
    "sum",
    "(?<least>)you passed <prompt> input tokens and requested <asked> output tokens\\. however, the model's context length is only <limit> tokens",
  ),
  wording(
    "sum",
    "you passed <> input characters and requested <asked> output tokens\\. however, the model's context length is only <limit> tokens",
  ),
  // vLLM 0.11 to 0.15.
  wording(
    "sum",
    "'max_(?:completion_)?tokens'(?: or 'max_completion_tokens')? is too large: <asked>\\. this model's maximum context length is <limit> tokens and your request has <prompt> input tokens",
  ),
  wording(
    "sum",
    "max_(?:completion_)?tokens=<asked> cannot be greater than max_model_len=(?:max_total_tokens=)?<limit>",
  ),
  // OpenAI (dimagi/open-chat-studio#463), vLLM.
  wording(
    "prompt",
    "this model's maximum context length is <limit> tokens\\. however, your (?:messages resulted in|request has|prompt contains|input has) (?:at least )?<prompt> ",
  ),
  wording(
    "prompt",
    "the (?:decoder )?prompt \\(length <prompt>\\)[^.]{0,80} longer than the maximum model length of <limit>",
  ),
  // SGLang: anomalyco/opencode#25231, QwenLM/Qwen3#1321, sgl-project/sglang#4048.
  wording(
    "sum",
    "requested token count exceeds the model's maximum context length of <limit> tokens\\. you requested a total of <total> tokens: <prompt> tokens from the input messages and <asked> tokens for the completion",
  ),
  wording(
    "prompt",
    "the input \\(<prompt> tokens\\) is longer than the model's context length \\(<limit> tokens\\)",
  ),
  wording(
    "prompt",
    "input length \\(<prompt>(?: tokens)?\\) exceeds (?:the|model's) maximum (?:allowed|context) length \\(<limit>",
  ),
  // Anthropic: anthropics/claude-code#228, docker/docker-agent#569; https://docs.claude.com/en/api/errors.
  wording("sum", "input length and `?max_tokens`? exceed context limit: <prompt> \\+ <asked> > <limit>"),
  wording("prompt", "prompt is too long: <prompt> tokens > <limit> maximum"),
  wording("output", "max_tokens: <asked> > <limit>, which is the maximum allowed number of output tokens"),
  // Text Generation Inference, and Together, which runs it.
  wording(
    "sum",
    "`inputs` tokens \\+ `max_new_tokens` must be <= <limit>\\. given: <prompt> `inputs` tokens and <asked> `max_new_tokens`",
  ),
  wording("prompt", "`inputs` must have less than <limit> tokens\\. given: <prompt>"),
  wording("output", "`max_new_tokens` must be <= <limit>\\. given: <asked>"),
  // llama.cpp: ggml-org/llama.cpp, tools/server.
  wording(
    "prompt",
    "(?:the )?request (?:\\(<prompt> tokens\\) )?exceeds the available context size(?: \\(<limit> tokens\\))?",
  ),
  wording(
    "prompt",
    "(?:the )?input (?:\\(<prompt> tokens\\) )?is larger than the max context size(?: \\(<limit> tokens\\))?",
  ),
  wording("prompt", "context size has been exceeded"),
  // LM Studio.
  wording(
    "prompt",
    "trying to keep the first <prompt> tokens when context (?:the )?overflows\\. however, the model is loaded with context length of only <limit> tokens",
  ),
  wording(
    "prompt",
    "the number of tokens to keep from the initial prompt is greater than the context length",
  ),
  // Ollama.
  wording("prompt", "prompt too long; exceeded (?:max )?context length"),
  wording(
    "prompt",
    "(?:the )?(?:input length|prompt|input)(?: after truncation)? (?:exceeds|is longer than) (?:the )?(?:maximum )?context length",
  ),
  // Mistral: https://docs.mistral.ai.
  wording(
    "prompt",
    "(?:too many tokens in prompt: )?prompt contains <prompt> tokens[^.]{0,60}? too large for model with <limit> maximum context length",
  ),
  // SiliconFlow: langgenius/dify#19394, continuedev/continue#10993.
  wording("prompt", "length of prompt_tokens \\(<prompt>\\) must be less than max_seq_len \\(<limit>\\)"),
  wording("sum", "max_total_tokens \\(<total>\\) must be less than or equal to max_seq_len \\(<limit>\\)"),
  // llama-cpp-python: abetlen/llama-cpp-python#462.
  wording("prompt", "requested tokens \\(<prompt>\\) exceed context window of <limit>"),
  // Fireworks, Cerebras, xAI, GitHub Copilot. Fireworks limits whole answers alone: nextlevelbuilder/goclaw#660.
  wording("output", "requests with max_tokens > <limit> must have stream=true", true),
  wording("prompt", "the prompt is too long: <prompt>, model maximum context length: <limit>"),
  wording(
    "prompt",
    "please reduce the length of the messages or completion\\. current length is <prompt> while limit is <limit>",
  ),
  wording("prompt", "please reduce the length of the messages or completion"),
  wording("prompt", "this model's maximum prompt length is <limit> but the request contains <prompt> tokens"),
  wording("prompt", "prompt token count of <prompt> exceeds the limit of <limit>"),
  // Moonshot counts the answer too.
  wording("sum", "your request exceeded model token limit: <limit> \\(requested: <total>\\)"),
  // Google: google-gemini/gemini-cli#27197; Vertex words the other two.
  wording(
    "prompt",
    "the input token count (?:\\(<prompt>\\) )?exceeds the maximum number of tokens allowed \\(?<limit>",
  ),
  wording(
    "prompt",
    "unable to submit request because the input token count is <prompt> but the model only supports up to <limit>",
  ),
  wording(
    "output",
    "unable to submit request because it has a maxOutputTokens value of <asked> but the supported range is from <> \\(inclusive\\) to <above> \\(exclusive\\)",
  ),
  // OpenAI: an answer that is longer than the model writes.
  wording(
    "output",
    "max_(?:completion_|output_)?tokens is too large: <asked>\\.\\s?this model supports at most <limit> (?:completion|output) tokens",
  ),
  wording(
    "output",
    "invalid '(?:max_completion_tokens|max_tokens|max_output_tokens)': integer above maximum value\\. expected a value <= <limit>, but got <asked>",
  ),
  wording("prompt", "your input exceeds the context window of this model"),
  // tridz-dev/huf#157.
  wording(
    "prompt",
    "input tokens exceed the configured limit of <limit> tokens\\. your messages resulted in <prompt> tokens",
  ),
  // Groq, DeepSeek (we0-dev/we0#56), DashScope (https://help.aliyun.com/zh/model-studio/error-code), Amazon Bedrock.
  wording("output", "`max_(?:completion_)?tokens` must be less than or equal to `?<limit>`?"),
  wording("output", "invalid max_?tokens value, the valid range of max_?tokens is \\[<>, ?<limit>\\]"),
  wording("output", "range of max_tokens should be \\[<>, ?<limit>\\]"),
  wording("prompt", "range of input length should be \\[<>, ?<limit>\\]"),
  wording("output", "the maximum tokens you requested exceeds the model limit of <limit>"),
  wording("prompt", "input is too long for requested model"),
  // OpenRouter, with status 402: QwenLM/qwen-code#73.
  wording(
    "output",
    "this request requires more credits, or fewer max_tokens\\. you requested up to <asked> tokens, but can only afford <limit>\\b",
    true,
  ),
  // MiniMax; Z.ai and Zhipu (code 1261).
  wording("prompt", "context window exceeds limit"),
  wording("prompt", "prompt (?:超长|exceeds max(?:imum)? length)"),
];

/** Codes that say the same without words. Zhipu: 1261. */
const CODES =
  /^(?:context_length_exceeded|exceed_context_size_error|model_context_window_exceeded|model_max_prompt_tokens_exceeded|1261)$/;

/** Servers that are not known word it in ways like these. */
const LIKE_TOO_LONG =
  /prompt is too long|input (?:is too long|token count .{0,40}exceeds)|(?:maximum|max) context length|context (?:length|window)|too many (?:input )?tokens|exceeds the (?:model's )?(?:maximum|available) (?:context|number of tokens)/i;

/** Words in quotes may be the client's. */
const QUOTED = /(?<=^|[\s:([])(["'`]).{0,1000}?\1(?=$|[\s.,;:)\]])/gs;

/** A message begins with its reason. The bound keeps the patterns cheap on any text. */
const MAX_MESSAGE_CHARS = 4_000;
/** Servers that give their count as "about" so many tokens count the same prompt a little differently. */
const MARGIN_TOKENS = 64;
/** When the prompt was not counted to its end, the next try asks for a quarter of the answer. */
const GUESSED_SHARE = 4;
/**
 * An answer that is cut sooner is worth less than a shorter prompt: a sixteenth of the context, or of the answer that
 * was asked for where only the answer is too long; at most 1,024.
 */
const LEAST_ANSWER_TOKENS = 1_024;
const LEAST_ANSWER_SHARE = 16;

/** Words that other servers put before the message of the server behind them. */
const PREFACE =
  /^(?:Error code: \d+ - |InternalError\.[\w.]+: ?|Context Window Error[ :-]*|(?:\w+\.)*[A-Za-z_]*(?:Error|Exception)\b:? ?-? ?|HTTP \d{3}: |<?\d{3}>?[:,]? |Bad Request!?: ?|Input validation error: |invalid params, |Invalid request: |The model returned the following errors: |\{'(?:error|object)'.{0,60}?'message': ["'])+/;

/**
 * null: the refusal is about something else. `sentLimit`: the answer's limit in the refused request, for
 * wordings that give the sum alone.
 */
export function readOversize(
  message: string | null,
  code: string | null,
  sentLimit: number | null,
): SizeRefusal | null {
  const text = message?.trimStart().slice(0, MAX_MESSAGE_CHARS) ?? "";
  const words = text.replace(PREFACE, "");
  for (const row of WORDINGS) {
    const found = row.words.exec(words);
    if (found !== null) return { ...oversizeOf(row, found.groups ?? {}, sentLimit), words: found[0] };
  }
  const isLike = (code !== null && CODES.test(code)) || LIKE_TOO_LONG.test(text.replace(QUOTED, " "));
  return isLike ? { ...oversizeOf({ part: "prompt", isPassing: false }, {}, null), words: text } : null;
}

/** Whether a known server says in its own words, or by a code, that the request is too large. */
export function isOversize(message: string, codes: readonly string[]): boolean {
  const words = message.trimStart().slice(0, MAX_MESSAGE_CHARS).replace(PREFACE, "");
  return codes.some((code) => CODES.test(code)) || WORDINGS.some((row) => row.words.test(words));
}

/** A code that says so without words. */
export function isOverflowCode(code: string): boolean {
  return CODES.test(code);
}

/**
 * The words in which a known server says that the prompt is too long, alone or with the answer; null: the message is
 * about something else, such as an answer that is longer than the model writes.
 */
export function overflowWords(message: string): string | null {
  const words = message.slice(0, MAX_MESSAGE_CHARS).replace(PREFACE, "");
  if (CODES.test(words)) return words;
  for (const row of WORDINGS) {
    const found = row.isPassing || row.part === "output" ? null : row.words.exec(words);
    if (found !== null) return found[0];
  }
  return null;
}

/**
 * The limit for the answer with which the model would take the request; null: a lower limit does not help, or
 * leaves too little of an answer. `sentLimit`: the limit in the refused request; null: it has none.
 */
export function fittingLimit(refusal: SizeRefusal, sentLimit: number | null): number | null {
  const { part, promptTokens, limitTokens, isPromptAtLeast, isPassing } = refusal;
  const asked = sentLimit ?? refusal.askedTokens;
  if (part === "prompt" || asked === null || limitTokens === null) return null;
  if (part === "output") {
    const leastOutput = isPassing ? LEAST_ANSWER_TOKENS : leastOf(asked);
    return limitTokens >= leastOutput && limitTokens < asked ? limitTokens : null;
  }
  const isCounted = promptTokens !== null && !isPromptAtLeast;
  const room = isCounted
    ? limitTokens - promptTokens - MARGIN_TOKENS
    : Math.floor(Math.min(asked, limitTokens) / GUESSED_SHARE);
  return room >= leastOf(limitTokens) && room < asked ? room : null;
}

function leastOf(tokens: number): number {
  return Math.max(1, Math.min(LEAST_ANSWER_TOKENS, Math.floor(tokens / LEAST_ANSWER_SHARE)));
}

function oversizeOf(
  { part, isPassing }: Pick<Wording, "part" | "isPassing">,
  groups: Readonly<Record<string, string | undefined>>,
  sentLimit: number | null,
): Omit<SizeRefusal, "words"> {
  const above = numberOf(groups.above);
  const limitTokens = numberOf(groups.limit) ?? (above === null ? null : above - 1);
  const askedTokens = numberOf(groups.asked) ?? (part === "prompt" ? null : sentLimit);
  const total = numberOf(groups.total);
  const rest = total === null ? null : total - (askedTokens ?? 0);
  const promptTokens = numberOf(groups.prompt) ?? rest;
  const isPromptAtLeast = groups.least !== undefined;
  const sizes = { promptTokens, askedTokens, limitTokens, isPromptAtLeast, isPassing };
  if (part !== "sum") return { part, ...sizes };
  // Without room for a single token of an answer, only a shorter prompt helps.
  const isFull = promptTokens !== null && limitTokens !== null && promptTokens >= limitTokens;
  return { part: isFull || !askedTokens ? "prompt" : "sum", ...sizes };
}

function numberOf(text: string | undefined): number | null {
  return text === undefined ? null : Number.parseInt(text.replaceAll(",", ""), 10);
}
