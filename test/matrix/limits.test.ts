// Wishes that a provider of another dialect cannot fulfil: refused with the field at fault, or left out and
// named; nothing is lost in silence.

import { expect } from "bun:test";
import { type Ask, type Json, user } from "./conversation.ts";
import { type Cell, matrix, notSupported, noWords, type Seen, testLedger, useStage } from "./matrix.ts";

useStage(
  ["anthropic/claude-opus-4-8", "gemini/gemini-3-flash", "openai/gpt-5.4", "compat/house-1"]
    .map(
      (target) =>
        `[[models]]\nname = "strict-${target.split("/")[0]}"\ntargets = ["${target}"]\nstrict = true\n`,
    )
    .join("\n"),
);

const ask = (also: NonNullable<Ask["also"]>) => (): Ask => ({ turns: [user("Hello in JSON.")], also });
const good: Seen = { ending: "end", calls: [] };
const less = (...dropped: readonly string[]): Seen => ({ ...good, dropped });

matrix("H-117 more than one answer", {
  asks: [ask({ "openai-chat": { n: 2 }, gemini: { generationConfig: { candidateCount: 2 } } })],
  forms: ["whole"],
  expected: {
    "openai-chat": {
      anthropic: notSupported("Messages has one answer", /^n$/m),
      gemini: notSupported("one answer is translated", /^n$/m),
      openai: notSupported("Responses has one answer", /^n$/m),
      compat: good,
    },
    "openai-responses": noWords("Responses has one answer"),
    "anthropic-messages": noWords("Messages has one answer"),
    gemini: {
      anthropic: notSupported("Messages has one answer", /candidateCount/),
      gemini: good,
      openai: notSupported("Responses has one answer", /candidateCount/),
      compat: notSupported("one answer is translated", /candidateCount/),
    },
  },
});

const noLogprobs = (field: RegExp) => notSupported("tokens differ from provider to provider", field);

matrix("log-probabilities", {
  asks: [
    ask({
      "openai-chat": { logprobs: true, top_logprobs: 2 },
      "openai-responses": { top_logprobs: 2, include: ["message.output_text.logprobs"] },
      gemini: { generationConfig: { responseLogprobs: true, logprobs: 2 } },
    }),
  ],
  forms: ["whole"],
  expected: {
    "openai-chat": {
      anthropic: noLogprobs(/logprobs/),
      gemini: noLogprobs(/logprobs/),
      openai: noLogprobs(/logprobs/),
      compat: good,
    },
    "openai-responses": {
      anthropic: noLogprobs(/top_logprobs/),
      gemini: noLogprobs(/top_logprobs/),
      openai: good,
      compat: noLogprobs(/top_logprobs/),
    },
    "anthropic-messages": noWords("Messages has no log-probabilities"),
    gemini: {
      anthropic: noLogprobs(/[lL]ogprobs/),
      gemini: good,
      openai: noLogprobs(/[lL]ogprobs/),
      compat: noLogprobs(/[lL]ogprobs/),
    },
  },
});

/** All providers but the maker refuse it, with the reason and the field. */
const onlyAt = (maker: Cell["upstream"], reason: string, field: RegExp) => {
  const no = notSupported(reason, field);
  return { anthropic: no, gemini: no, openai: no, compat: no, [maker]: good };
};

matrix("state that a provider keeps", {
  asks: [
    ask({
      "openai-responses": { previous_response_id: "resp_123" },
      "anthropic-messages": { container: "container_1" },
      gemini: { cachedContent: "cachedContents/abc" },
    }),
  ],
  expected: {
    "openai-chat": noWords("Chat Completions keeps nothing"),
    "openai-responses": {
      ...onlyAt("openai", "the answer is stored at OpenAI", /^previous_response_id$/m),
      // A relay has no such answer.
      openai: { trouble: { status: 400, code: "previous_response_not_found" }, ending: null },
    },
    "anthropic-messages": onlyAt("anthropic", "containers are kept at Anthropic", /^container: /),
    gemini: {
      ...onlyAt("gemini", "the cache is kept at Google", /^cachedContent$/m),
      gemini: { trouble: { status: 403, type: "PERMISSION_DENIED" }, ending: null },
    },
  },
});

matrix("tools that a provider runs itself", {
  asks: [
    ask({
      "openai-responses": { tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] },
      "anthropic-messages": { tools: [{ type: "code_execution_20250825", name: "code_execution" }] },
      gemini: { tools: [{ codeExecution: {} }] },
    }),
  ],
  expected: {
    "openai-chat": noWords("Chat Completions has no such tools"),
    "openai-responses": onlyAt("openai", "OpenAI runs it", /^tools\[0\]$/m),
    "anthropic-messages": onlyAt("anthropic", "Anthropic runs it", /tools\[0\]/),
    gemini: onlyAt("gemini", "Google runs it", /^tools\[0\]\.codeExecution$/m),
  },
});

matrix("H-147 answers in sound or pictures", {
  asks: [
    ask({
      "openai-chat": { modalities: ["text", "audio"], audio: { voice: "alloy", format: "wav" } },
      gemini: { generationConfig: { responseModalities: ["IMAGE"] } },
    }),
  ],
  expected: {
    "openai-chat": onlyAt("compat", "the model answers in text", /^modalities$/m),
    "openai-responses": noWords("the Responses of text models have none"),
    "anthropic-messages": noWords("Messages has none"),
    gemini: onlyAt("gemini", "the model answers in text", /responseModalities/),
  },
});

const SOUND = "UklGRg==";
const heard = { type: "input_audio", input_audio: { data: SOUND, format: "wav" } };
const deaf = (field: RegExp) => notSupported("the model hears nothing", field);

matrix("H-104 sound", {
  asks: [
    ask({
      "openai-chat": { messages: [{ role: "user", content: [{ type: "text", text: "Hear:" }, heard] }] },
      "openai-responses": {
        input: [{ role: "user", content: [{ type: "input_text", text: "Hear:" }, heard] }],
      },
      gemini: {
        contents: [
          {
            role: "user",
            parts: [{ text: "Hear:" }, { inlineData: { mimeType: "audio/wav", data: SOUND } }],
          },
        ],
      },
    }),
  ],
  expected: {
    "openai-chat": {
      anthropic: deaf(/^messages\[0\]\.content\[1\]$/m),
      gemini: good,
      openai: deaf(/^messages\[0\]\.content\[1\]$/m),
      compat: good,
    },
    "openai-responses": {
      anthropic: deaf(/^input\[0\]\.content\[1\]$/m),
      gemini: good,
      openai: good,
      compat: deaf(/^input\[0\]\.content\[1\]$/m),
    },
    "anthropic-messages": noWords("Messages has no sound"),
    gemini: {
      anthropic: deaf(/^contents\[0\]\.parts\[1\]$/m),
      gemini: good,
      openai: deaf(/^contents\[0\]\.parts\[1\]$/m),
      compat: deaf(/^contents\[0\]\.parts\[1\]$/m),
    },
  },
  sent: (sent, cell) => {
    expect(sent.at(-1)?.body, cell.upstream).toContain(SOUND);
  },
});

const chance = {
  "openai-chat": { seed: 7, frequency_penalty: 0.5, presence_penalty: 0.5, logit_bias: { "50256": -100 } },
  gemini: { generationConfig: { seed: 7, frequencyPenalty: 0.5, presencePenalty: 0.5 } },
};
const allOfChat = less("frequency_penalty", "logit_bias", "presence_penalty", "seed");
const allOfGemini = less(
  "generationConfig.frequencyPenalty",
  "generationConfig.presencePenalty",
  "generationConfig.seed",
);

matrix("H-117 seed, penalties and biases", {
  asks: [ask(chance)],
  expected: {
    "openai-chat": { anthropic: allOfChat, gemini: less("logit_bias"), openai: allOfChat, compat: good },
    "openai-responses": noWords("Responses has none of them"),
    "anthropic-messages": noWords("Messages has none of them"),
    gemini: { anthropic: allOfGemini, gemini: good, openai: allOfGemini, compat: good },
  },
});

const WARM: Record<Cell["dialect"], Json> = {
  "openai-chat": { temperature: 0.3, top_p: 0.9 },
  "openai-responses": { temperature: 0.3, top_p: 0.9 },
  "anthropic-messages": { temperature: 0.3, top_k: 5 },
  gemini: { generationConfig: { temperature: 1, topP: 0.95, topK: 64 } },
};
/** In a relay, the provider itself refuses. */
const itself: Seen = { trouble: { status: 400 }, ending: null };
/** And is asked again without what it names. */
const repaired: Seen = { ...good, headers: { "x-clewline-changed": /^temperature, top_[kp]$/ } };

matrix("H-113 sampling, for models that take none", {
  asks: [ask(WARM)],
  expected: {
    "openai-chat": {
      anthropic: less("temperature", "top_p"),
      gemini: good,
      openai: less("temperature", "top_p"),
      compat: good,
    },
    "openai-responses": {
      anthropic: less("temperature", "top_p"),
      gemini: good,
      openai: repaired,
      compat: good,
    },
    "anthropic-messages": {
      anthropic: repaired,
      gemini: good,
      openai: less("temperature", "top_k"),
      compat: good,
    },
    gemini: {
      anthropic: less("generationConfig.temperature", "generationConfig.topK", "generationConfig.topP"),
      gemini: good,
      // A temperature of 1 is the default.
      openai: less("generationConfig.topK", "generationConfig.topP"),
      compat: good,
    },
  },
});

const strictly = (field: RegExp) => notSupported("nothing may be lost here", field);

matrix("the same where nothing may be lost", {
  asks: [ask(WARM)],
  asked: ({ upstream }) => `strict-${upstream}`,
  expected: {
    "openai-chat": {
      anthropic: strictly(/^temperature$/m),
      gemini: good,
      openai: strictly(/^temperature$/m),
      compat: good,
    },
    "openai-responses": {
      anthropic: strictly(/^temperature$/m),
      gemini: good,
      openai: itself,
      compat: good,
    },
    "anthropic-messages": {
      anthropic: itself,
      gemini: good,
      openai: strictly(/temperature/),
      compat: good,
    },
    gemini: {
      anthropic: strictly(/^generationConfig\.temperature$/m),
      gemini: good,
      openai: strictly(/^generationConfig\.topP$|^generationConfig\.topK$/m),
      compat: good,
    },
  },
});

/** Claude has no JSON mode without a schema: an instruction asks for JSON, and a header says so. */
matrix("JSON without a schema", {
  asks: [
    ask({
      "openai-chat": { response_format: { type: "json_object" } },
      "openai-responses": { text: { format: { type: "json_object" } } },
      // Gemini needs no mention of JSON in the conversation; the other providers do.
      gemini: {
        contents: [{ role: "user", parts: [{ text: "Hello." }] }],
        generationConfig: { responseMimeType: "application/json" },
      },
    }),
  ],
  expected: {
    "openai-chat": { anthropic: less("response_format"), gemini: good, openai: good, compat: good },
    "openai-responses": { anthropic: less("text.format"), gemini: good, openai: good, compat: good },
    "anthropic-messages": noWords("Messages has JSON of a schema only"),
    gemini: {
      anthropic: less("generationConfig.responseMimeType"),
      gemini: good,
      openai: less("generationConfig.responseMimeType"),
      compat: less("generationConfig.responseMimeType"),
    },
  },
});

const single = (field: string): Record<Cell["upstream"], Seen> => ({
  anthropic: good,
  gemini: less(field),
  openai: good,
  compat: good,
});
const TOOL = { name: "f", description: "A tool." };
const SCHEMA = { type: "object" };

matrix("one call at most", {
  asks: [
    ask({
      "openai-chat": {
        parallel_tool_calls: false,
        tools: [{ type: "function", function: { ...TOOL, parameters: SCHEMA } }],
      },
      "openai-responses": {
        parallel_tool_calls: false,
        tools: [{ ...TOOL, type: "function", parameters: null, strict: false }],
      },
      "anthropic-messages": {
        tools: [{ ...TOOL, input_schema: SCHEMA }],
        tool_choice: { type: "auto", disable_parallel_tool_use: true },
      },
    }),
  ],
  expected: {
    "openai-chat": single("parallel_tool_calls"),
    "openai-responses": single("parallel_tool_calls"),
    "anthropic-messages": single("tool_choice.disable_parallel_tool_use"),
    gemini: noWords("Gemini calls as many as it likes"),
  },
});

testLedger();
