/** Forms of the replies of generateContent. */
import type { Cited, Json, Usage } from "../conversation.ts";
import { anything, count, filled, like, list, need, object, one, record, text } from "../wire.ts";

const part = (value: unknown, place: string): void => {
  record(
    {},
    {
      text,
      thought: one(true),
      thoughtSignature: like(/^[A-Za-z0-9+/]+={0,2}$/),
      functionCall: record({ name: filled }, { id: filled, args: object }),
    },
  )(value, place);
  const { text: words, functionCall } = value as Json;
  need((words === undefined) !== (functionCall === undefined), `${place} is a text or a call`);
};

const FINISH = one(
  "STOP",
  "MAX_TOKENS",
  "SAFETY",
  "PROHIBITED_CONTENT",
  "BLOCKLIST",
  "SPII",
  "RECITATION",
  "CONTINUATION",
);

const grounding = record(
  {},
  {
    webSearchQueries: list(text),
    searchEntryPoint: object,
    groundingChunks: list(record({ web: record({ uri: filled }, { title: text }) })),
    groundingSupports: list(
      record({
        segment: record({ endIndex: count }, { startIndex: count, partIndex: count, text }),
        groundingChunkIndices: list(count),
      }),
    ),
  },
);

const candidate = record(
  {},
  {
    index: count,
    content: record({ role: one("model") }, { parts: list(part) }),
    finishReason: FINISH,
    finishMessage: text,
    continuationToken: filled,
    safetyRatings: list(object),
    groundingMetadata: grounding,
    citationMetadata: object,
  },
);

const details = list(record({ modality: text, tokenCount: count }));
const usage = record(
  { promptTokenCount: count, totalTokenCount: count },
  {
    candidatesTokenCount: count,
    cachedContentTokenCount: count,
    thoughtsTokenCount: count,
    toolUsePromptTokenCount: count,
    promptTokensDetails: details,
    cacheTokensDetails: details,
    candidatesTokensDetails: details,
  },
);
const frame = { modelVersion: filled, responseId: filled };
const feedback = record({ blockReason: FINISH }, { safetyRatings: list(object), blockReasonMessage: text });

/** A whole response, with its finish reason and its counts. */
export const response = (value: unknown, place: string): void => {
  record(
    { usageMetadata: usage, ...frame },
    { candidates: list(candidate), promptFeedback: feedback, createTime: anything },
  )(value, place);
  const { candidates, promptFeedback } = value as { candidates?: Json[]; promptFeedback?: Json };
  const isBlocked = promptFeedback !== undefined;
  need(isBlocked || candidates?.[0] !== undefined, `${place} has a candidate, or says why there is none`);
  need(isBlocked || candidates?.[0]?.finishReason !== undefined, `${place} has no finishReason`);
};

export const chunk = (value: unknown, place: string): void => {
  record(frame, {
    candidates: list(candidate),
    usageMetadata: usage,
    promptFeedback: feedback,
    createTime: anything,
  })(value, place);
  const { candidates, usageMetadata } = value as { candidates?: Json[]; usageMetadata?: Json };
  const isLast = candidates?.[0]?.finishReason !== undefined;
  need(!isLast || usageMetadata?.totalTokenCount !== undefined, `${place}: the finish comes with the usage`);
};

export const errorBody = record({
  error: record({ code: count, message: filled, status: like(/^[A-Z_]+$/) }, { details: list(object) }),
});

export const countBody = record(
  { totalTokens: count },
  { promptTokensDetails: details, cachedContentTokenCount: count },
);

/** Candidates exclude the thoughts, and the total is the sum. */
export function readUsage(usage: Json): Usage {
  const part = (name: string) => (usage[name] as number | undefined) ?? 0;
  const input = part("promptTokenCount") + part("toolUsePromptTokenCount");
  const output = part("candidatesTokenCount") + part("thoughtsTokenCount");
  need(
    part("totalTokenCount") === input + output,
    `totalTokenCount is not the sum: ${JSON.stringify(usage)}`,
  );
  return {
    input,
    cached: part("cachedContentTokenCount"),
    written: 0,
    output,
    reasoning: part("thoughtsTokenCount"),
  };
}

/** Places are bytes of a part; without a part's number, of the first part that is no thought. */
export function readCitations({ groundingMetadata }: Json, parts: readonly Json[]): Cited[] {
  const { groundingChunks = [], groundingSupports = [] } = (groundingMetadata ?? {}) as {
    groundingChunks?: { web: { uri: string; title?: string } }[];
    groundingSupports?: {
      segment: { startIndex?: number; endIndex: number; partIndex?: number; text?: string };
      groundingChunkIndices: number[];
    }[];
  };
  return groundingSupports.flatMap(({ segment, groundingChunkIndices }) => {
    const { startIndex = 0, endIndex, partIndex } = segment;
    const said = partIndex === undefined ? parts.find(({ thought }) => thought !== true) : parts[partIndex];
    const bytes = Buffer.from(String(said?.text ?? ""));
    need(
      startIndex < endIndex && endIndex <= bytes.length,
      `${startIndex} to ${endIndex} is no part of the text`,
    );
    const words = bytes.subarray(startIndex, endIndex).toString("utf8");
    need(
      segment.text === undefined || segment.text === words,
      `the segment says “${segment.text}”, the text “${words}”`,
    );
    return groundingChunkIndices.map((index) => {
      const web = groundingChunks[index]?.web;
      need(web !== undefined, `there is no chunk ${index}`);
      return { url: web.uri, title: web.title ?? null, text: words };
    });
  });
}
