/**
 * The profiles of families. What a server is follows from the host of its base URL; `servers/` has those that
 * share OpenAI's dialects, which the configuration may also name.
 */

import { type CallIdRule, MAX_SHOWN_CHARS } from "../neutral/conversation/call-ids.ts";
import { ANTHROPIC_PROOF, GEMINI_PROOF, OPENAI_PROOF, type Proof, VERTEX_PROOF } from "./evidence/proof.ts";
import type { Row } from "./evidence/signal-table.ts";
import type { ServerProfile } from "./profile.ts";

/** OpenAI refuses longer ids. */
const OPENAI_IDS: CallIdRule = Object.freeze({
  isAllowed: /^[A-Za-z0-9_-]+$/,
  maxChars: 40,
  prefix: "call_",
});
/** Ids of other servers have other signs too, as Kimi's `functions.get_weather:0`, and vLLM's are longer. */
export const COMPATIBLE_IDS: CallIdRule = Object.freeze({
  isAllowed: /^[\x21-\x7e]+$/,
  maxChars: 64,
  prefix: "call_",
});
/** A server may want back what it made: LiteLLM's ids hold Gemini's signature. What it refuses is repaired. */
export const LONG_IDS: CallIdRule = Object.freeze({ ...COMPATIBLE_IDS, maxChars: MAX_SHOWN_CHARS });

/**
 * A server that speaks OpenAI's dialects and of which nothing else is known: it is asked for nothing that it
 * might refuse, but for what the client wants, of which a refusal is repaired.
 */
export const COMPATIBLE: ServerProfile = Object.freeze({
  // All compatible servers speak Chat, few speak Responses well.
  translatedTo: ["openai-chat"] as const,
  spoken: null,
  countDialect: null,
  // A compatible server usually limits the key, not each model.
  rateScope: "credential",
  answersInParts: null,
  ownClients: null,
  proof: null,
  failures: [],
  limitParameter: "max_tokens",
  instructionRole: "system",
  userParameter: "user",
  customTools: false,
  toolSubsets: false,
  maxTemperature: null,
  serviceTiers: false,
  cacheKeys: false,
  cacheBreakpoints: false,
  storesAnswers: false,
  fileIds: false,
  imageTypes: null,
  audioTypes: null,
  predictsEmbeddings: false,
  messagesUrls: true,
  videoParts: true,
  refusals: false,
  textParts: false,
  usageOption: true,
  callIds: LONG_IDS,
  reasoningMembers: null,
  emptyReasoning: true,
  thinkingSwitch: null,
  forcedTools: null,
  // LiteLLM refuses a mark on a part of a result; other servers pass over a mark on its message.
  cacheMarks: "messages",
  extraSampling: null,
});

const OPENAI_FAILURES: readonly Row[] = [
  {
    // Other servers send the code for limits that pass within a minute: openclaw/openclaw#148236.
    status: [429],
    code: /^insufficient_quota$/,
    // As the type beside a code of its own it says less than the code does.
    when: ({ codes }) => codes.every((word) => /^(?:insufficient_quota|\d+)$/.test(word)),
    verdict: { class: "credit", reason: "quota used up", isStatement: true },
  },
];

/**
 * OpenAI itself, at its regional hosts too: https://platform.openai.com/docs/api-reference/chat, October
 * 2026.
 */
export const OPENAI: ServerProfile = Object.freeze({
  // Chat lacks reasoning between calls, which Responses has.
  translatedTo: ["openai-responses", "openai-chat"] as const,
  spoken: null,
  countDialect: "openai-responses",
  rateScope: "model",
  answersInParts: false,
  ownClients: null,
  proof: OPENAI_PROOF,
  failures: OPENAI_FAILURES,
  limitParameter: "max_completion_tokens",
  instructionRole: "developer",
  userParameter: "safety_identifier",
  customTools: true,
  toolSubsets: true,
  maxTemperature: 2,
  serviceTiers: true,
  cacheKeys: true,
  cacheBreakpoints: true,
  storesAnswers: true,
  fileIds: true,
  imageTypes: new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]),
  audioTypes: new Set(["audio/wav", "audio/mpeg"]),
  predictsEmbeddings: false,
  messagesUrls: true,
  videoParts: false,
  refusals: true,
  textParts: true,
  usageOption: true,
  callIds: OPENAI_IDS,
  reasoningMembers: [],
  emptyReasoning: true,
  thinkingSwitch: "reasoning_effort",
  forcedTools: "always",
  cacheMarks: null,
  extraSampling: new Set<string>(),
});

/** Anthropic, and servers that speak Messages. */
export const ANTHROPIC: ServerProfile = Object.freeze({
  ...COMPATIBLE,
  translatedTo: ["anthropic-messages"] as const,
  countDialect: "anthropic-messages",
  rateScope: "model",
});

/** Google AI Studio, and servers that speak Gemini's dialect. */
export const GEMINI: ServerProfile = Object.freeze({
  ...COMPATIBLE,
  translatedTo: ["gemini"] as const,
  countDialect: "gemini",
  rateScope: "model",
});

/** Vertex AI: each model in the dialect of its maker. */
export const VERTEX: ServerProfile = Object.freeze({
  ...COMPATIBLE,
  translatedTo: ["anthropic-messages", "gemini"] as const,
  // Each project and region has a quota for each model.
  rateScope: "model",
  messagesUrls: false,
  predictsEmbeddings: true,
});

/**
 * A server by its host name, which also stands for the names below it: `eu.api.openai.com` is
 * `api.openai.com`.
 */
export interface KnownServer {
  readonly host: string;
  readonly profile: ServerProfile;
}

/** A server that is known for its call of proof alone. */
function provenBy(host: string, profile: ServerProfile, proof: Proof): KnownServer {
  return { host, profile: Object.freeze({ ...profile, proof }) };
}

/** Servers of the family `anthropic`; all others are `ANTHROPIC`. */
export const ANTHROPIC_SERVERS: readonly KnownServer[] = [
  provenBy("api.anthropic.com", ANTHROPIC, ANTHROPIC_PROOF),
];

/** Servers of the family `gemini`; all others are `GEMINI`. */
export const GEMINI_SERVERS: readonly KnownServer[] = [
  provenBy("generativelanguage.googleapis.com", GEMINI, GEMINI_PROOF),
];

/** Servers of the family `vertex`; all others are `VERTEX`. */
export const VERTEX_SERVERS: readonly KnownServer[] = [provenBy("googleapis.com", VERTEX, VERTEX_PROOF)];

/** The profile of the server at a base URL; `otherwise` when its host is not among the known ones. */
export function profileAt(
  baseUrl: string,
  known: readonly KnownServer[],
  otherwise: ServerProfile,
): ServerProfile {
  // A host may be written with the dot of the root at its end.
  const hostname = new URL(baseUrl).hostname.replace(/\.$/, "");
  const found = known.find(({ host }) => hostname === host || hostname.endsWith(`.${host}`));
  return found?.profile ?? otherwise;
}
