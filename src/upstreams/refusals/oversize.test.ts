/** Refusals for size, as known servers word them. */
import { describe, expect, test } from "bun:test";
import { fittingLimit, readOversize } from "./oversize.ts";

/** Server, its words, and what they say: part, prompt, asked, limit; then the limit that fits when 32,000 was sent. */
const REFUSALS: readonly (readonly [
  server: string,
  words: string,
  says: readonly [part: string, prompt: number | null, asked: number | null, limit: number | null],
  fits: number | null,
])[] = [
  [
    "vLLM to 0.10, DeepSeek",
    "This model's maximum context length is 40000 tokens. However, you requested 62000 tokens (30000 in the messages, 32000 in the completion). Please reduce the length of the messages or completion.",
    ["sum", 30_000, 32_000, 40_000],
    9_936,
  ],
  [
    "OpenAI, with functions",
    "This model's maximum context length is 16385 tokens. However, you requested 40000 tokens (7000 in the messages, 1000 in the functions, and 32000 in the completion). Please reduce the length of the messages, functions, or completion.",
    ["sum", 8_000, 32_000, 16_385],
    8_321,
  ],
  [
    "OpenAI, completions",
    "This model's maximum context length is 4097 tokens, however you requested 34000 tokens (2000 in your prompt; 32000 for the completion). Please reduce your prompt; or completion length.",
    ["sum", 2_000, 32_000, 4_097],
    2_033,
  ],
  [
    "OpenAI, prompt",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens. Please reduce the length of the messages.",
    ["prompt", 204_308, null, 128_000],
    null,
  ],
  [
    "OpenRouter",
    'This endpoint\'s maximum context length is 131072 tokens. However, you requested about 132535 tokens (100535 of text input, 32000 in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
    ["sum", 100_535, 32_000, 131_072],
    30_473,
  ],
  [
    "OpenRouter, prompt",
    "This endpoint's maximum context length is 16384 tokens. However, you requested about 94307 tokens (94307 of text input). Please reduce the length of either one.",
    ["prompt", 94_307, null, 16_384],
    null,
  ],
  [
    "OpenRouter, with tools",
    "This endpoint's maximum context length is 33000 tokens. However, you requested about 33390 tokens (658 of text input, 732 of tool input, 32000 in the output).",
    ["sum", 1_390, 32_000, 33_000],
    31_546,
  ],
  [
    "vLLM 0.11",
    "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 tokens and your request has 10694 input tokens (32000 > 32768 - 10694).",
    ["sum", 10_694, 32_000, 32_768],
    22_010,
  ],
  [
    "vLLM 0.16, which counts to the first token that is too many",
    "You passed 98305 input tokens and requested 32000 output tokens. However, the model's context length is only 130304 tokens, resulting in a maximum input length of 98304 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=98305)",
    ["sum", 98_305, 32_000, 130_304],
    8_000,
  ],
  [
    "vLLM 0.18",
    "This model's maximum context length is 40000 tokens. However, you requested 32000 output tokens and your prompt contains at least 8001 input tokens, for a total of at least 40001 tokens.",
    ["sum", 8_001, 32_000, 40_000],
    8_000,
  ],
  [
    "vLLM 0.18, counted whole",
    "This model's maximum context length is 40000 tokens. However, you requested 32000 output tokens and your prompt contains 9000 input tokens, for a total of 41000 tokens.",
    ["sum", 9_000, 32_000, 40_000],
    30_936,
  ],
  [
    "vLLM, asked for more than the context",
    "max_tokens=32000 cannot be greater than max_model_len=max_total_tokens=16384. Please request fewer output tokens.",
    ["sum", null, 32_000, 16_384],
    4_096,
  ],
  [
    "vLLM engine",
    "The decoder prompt (length 9000) is longer than the maximum model length of 8192. Make sure that `max_model_len` is no smaller than the number of text tokens.",
    ["prompt", 9_000, null, 8_192],
    null,
  ],
  [
    "SGLang",
    "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total of 202941 tokens: 170941 tokens from the input messages and 32000 tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
    ["sum", 170_941, 32_000, 202_752],
    31_747,
  ],
  [
    "SGLang, prompt",
    "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
    ["prompt", 61_709, null, 40_960],
    null,
  ],
  [
    "Text Generation Inference, Together",
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 40000. Given: 30000 `inputs` tokens and 32000 `max_new_tokens`",
    ["sum", 30_000, 32_000, 40_000],
    9_936,
  ],
  [
    "Text Generation Inference, prompt",
    "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
    ["prompt", 5_000, null, 4_096],
    null,
  ],
  [
    "llama.cpp",
    "request (30000 tokens) exceeds the available context size (16384 tokens), try increasing it",
    ["prompt", 30_000, null, 16_384],
    null,
  ],
  [
    "llama.cpp, older",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    ["prompt", null, null, null],
    null,
  ],
  [
    "LM Studio",
    "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
    ["prompt", 9_000, null, 4_096],
    null,
  ],
  [
    "Ollama",
    "prompt too long; exceeded max context length by 123 tokens",
    ["prompt", null, null, null],
    null,
  ],
  ["Ollama, older", "the input length exceeds the context length", ["prompt", null, null, null], null],
  [
    "Mistral",
    "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    ["prompt", 65_673, null, 32_768],
    null,
  ],
  [
    "Anthropic",
    "input length and `max_tokens` exceed context limit: 178959 + 32000 > 200000, decrease input length or `max_tokens` and try again",
    ["sum", 178_959, 32_000, 200_000],
    20_977,
  ],
  [
    "Anthropic, prompt",
    "prompt is too long: 213462 tokens > 200000 maximum",
    ["prompt", 213_462, null, 200_000],
    null,
  ],
  [
    "Anthropic, answer",
    "max_tokens: 32000 > 4096, which is the maximum allowed number of output tokens for claude-3-haiku-20240307",
    ["output", null, 32_000, 4_096],
    4_096,
  ],
  ["Amazon Bedrock", "Input is too long for requested model.", ["prompt", null, null, null], null],
  [
    "Amazon Bedrock, answer",
    "The model returned the following errors: The maximum tokens you requested exceeds the model limit of 10000. Try again with a maximum tokens value that is lower than 10000.",
    ["output", null, 32_000, 10_000],
    10_000,
  ],
  [
    "Google",
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
    ["prompt", 1_196_265, null, 1_048_575],
    null,
  ],
  [
    "Google, without a count",
    "The input token count exceeds the maximum number of tokens allowed 1048576.",
    ["prompt", null, null, 1_048_576],
    null,
  ],
  [
    "Vertex",
    "Unable to submit request because the input token count is 40000 but the model only supports up to 32768. Reduce the input token count and try again.",
    ["prompt", 40_000, null, 32_768],
    null,
  ],
  [
    "Vertex, answer",
    "Unable to submit request because it has a maxOutputTokens value of 32000 but the supported range is from 1 (inclusive) to 8193 (exclusive). Update the value and try again.",
    ["output", null, 32_000, 8_192],
    8_192,
  ],
  [
    "OpenAI, answer",
    "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.",
    ["output", null, 32_000, 16_384],
    16_384,
  ],
  [
    "OpenAI Responses, answer",
    "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 16384, but got 32000 instead.",
    ["output", null, 32_000, 16_384],
    16_384,
  ],
  [
    "OpenAI Responses, prompt",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ["prompt", null, null, null],
    null,
  ],
  [
    "Groq, answer",
    "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model",
    ["output", null, 32_000, 8_192],
    8_192,
  ],
  [
    "Groq, prompt",
    "Please reduce the length of the messages or completion.",
    ["prompt", null, null, null],
    null,
  ],
  [
    "Cerebras",
    "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
    ["prompt", 9_000, null, 8_192],
    null,
  ],
  [
    "DeepSeek, answer",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    ["output", null, 32_000, 8_192],
    8_192,
  ],
  [
    "DashScope, answer",
    "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
    ["output", null, 32_000, 8_192],
    8_192,
  ],
  [
    "DashScope, prompt",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
    ["prompt", null, null, 129_024],
    null,
  ],
  [
    "Fireworks",
    "The prompt is too long: 262377, model maximum context length: 262143",
    ["prompt", 262_377, null, 262_143],
    null,
  ],
  [
    "xAI",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    ["prompt", 537_812, null, 131_072],
    null,
  ],
  [
    "GitHub Copilot",
    "prompt token count of 140000 exceeds the limit of 128000",
    ["prompt", 140_000, null, 128_000],
    null,
  ],
  [
    "Moonshot, which counts both",
    "Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)",
    ["sum", 259_351, 32_000, 262_144],
    2_729,
  ],
  ["MiniMax", "invalid params, context window exceeds limit", ["prompt", null, null, null], null],
  ["Zhipu", "Prompt 超长", ["prompt", null, null, null], null],
  [
    "behind LiteLLM",
    "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens. However, your messages resulted in 8202 tokens.",
    ["prompt", 8_202, null, 8_192],
    null,
  ],
  [
    "printed by a Python proxy",
    `Error code: 400 - {'error': {'message': "This model's maximum context length is 40000 tokens. However, you requested 62000 tokens (30000 in the messages, 32000 in the completion).", 'type': 'BadRequestError'}}`,
    ["sum", 30_000, 32_000, 40_000],
    9_936,
  ],
  [
    "OpenRouter, by the money in the account",
    "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 4000. To increase, visit https://openrouter.ai/settings/credits",
    ["output", null, 32_000, 4_000],
    4_000,
  ],
  [
    "OpenRouter, with money for no answer",
    "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 40.",
    ["output", null, 32_000, 40],
    null,
  ],
  [
    "numbers with marks",
    "Requested token count exceeds the model's maximum context length of 131,072 tokens. You requested a total of 132012.0 tokens: 100012 tokens from the input messages and 32000.0 tokens for the completion.",
    ["sum", 100_012, 32_000, 131_072],
    30_996,
  ],
];

describe.each(REFUSALS)("%s", (_server, words, [part, promptTokens, askedTokens, limitTokens], fits) => {
  test("says which part is too large, and the numbers", () => {
    expect(readOversize(words, null, 32_000)).toMatchObject({
      part,
      promptTokens,
      askedTokens,
      limitTokens,
    });
  });

  test("says the limit that fits", () => {
    const refusal = readOversize(words, null, 32_000);
    expect(refusal && fittingLimit(refusal, 32_000)).toBe(fits);
  });

  test("says nothing when the client's words are quoted", () => {
    const [word] = words.split('"');
    for (const quoting of [`Invalid value: "${word}"`, `messages.0.content ("${word}") is no text`])
      expect(readOversize(quoting, null, 32_000)).toBeNull();
  });
});

test("a prompt that fills the context leaves nothing to lower", () => {
  const words =
    "This model's maximum context length is 40000 tokens. However, you requested 72001 tokens (40001 in the messages, 32000 in the completion).";
  expect(readOversize(words, null, 32_000)).toMatchObject({ part: "prompt", promptTokens: 40_001 });
});

test("an answer is not cut to less than a sixteenth of the context, or 1,024 tokens", () => {
  const room = (context: number, left: number) => {
    const words = `input length and \`max_tokens\` exceed context limit: ${context - left} + 32000 > ${context}`;
    const refusal = readOversize(words, null, 32_000);
    return refusal && fittingLimit(refusal, 32_000);
  };
  expect([room(200_000, 1_087), room(200_000, 1_088)]).toEqual([null, 1_024]);
  expect([room(4_096, 319), room(4_096, 320)]).toEqual([null, 256]);
});

test("codes say it without words, other codes do not", () => {
  expect(readOversize("?", "context_length_exceeded", null)).toMatchObject({ part: "prompt" });
  expect(readOversize(null, "exceed_context_size_error", null)).toMatchObject({ part: "prompt" });
  expect(readOversize(null, "rate_limit_exceeded", null)).toBeNull();
  expect(readOversize("Rate limit reached: 30000 tokens per min", null, null)).toBeNull();
  expect(readOversize(null, null, null)).toBeNull();
});
