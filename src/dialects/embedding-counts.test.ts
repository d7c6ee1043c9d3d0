// Counts of embeddings that lie, which would pay a key back, or leave it no room.
import { expect, test } from "bun:test";
import type { EmbeddingCodec } from "./embedding-codec.ts";
import { CODECS } from "./fixtures/codecs.ts";

const ODD = [-1, -1e308, 1e308, 1.5, 2 ** 63, "12", null, [], {}, true, Number.MAX_SAFE_INTEGER];
const REPLIES = {
  "openai-chat": (count: unknown) => [
    { data: [{ embedding: [1] }], usage: { prompt_tokens: count } },
    { data: [{ embedding: [1] }], usage: { total_tokens: count } },
  ],
  gemini: (count: unknown) => [
    { embedding: { values: [1] }, usageMetadata: { promptTokenCount: count } },
    {
      predictions: Array.from({ length: 20_000 }, () => ({
        embeddings: { values: [1], statistics: { token_count: count } },
      })),
    },
  ],
} as const;

test.each(Object.keys(REPLIES) as (keyof typeof REPLIES)[])("%s: absurd ones are not believed", (name) => {
  const codec = CODECS[name].embeddings as EmbeddingCodec;
  for (const count of ODD) {
    for (const body of REPLIES[name](count)) {
      const tokens = codec.decodeReply(body).usage?.inputTokens ?? 0;
      expect([count, Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= 1e12]).toEqual([count, true]);
    }
  }
});
