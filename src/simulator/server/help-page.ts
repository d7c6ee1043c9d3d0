// The page of help: all words and names as plain text. `/_simulator/` and the command line print it.

import { PERSONA_NAMES, PERSONAS } from "../personas/personas.ts";
import { GENERAL_FAULTS, SCENARIOS } from "../scenarios/scenarios.ts";
import { COMPAT_WORDS, SCRIPT_WORDS } from "../scenarios/words.ts";

/**
 * Orders in a user's prompt, in any dialect. The simulator carries out several orders one after the other.
 */
const ORDERS = {
  "[[write FILE TEXT]]": "writes the file with the tool that the client offers for it",
  "[[run COMMAND]]": "runs the command with the client's shell tool",
  "[[call TOOL {…}]]": "calls the tool with these arguments",
  "Use TOOL":
    'at the very beginning of the prompt, or "Call the tools A and B": calls them with arguments of its own making',
} as const;

export function helpPage(): string {
  const listed = (words: Readonly<Record<string, string>>) =>
    Object.entries(words).map(([word, meaning]) => `  ${word}: ${meaning}`);
  return [
    "Clewline simulator: OpenAI Chat and Responses, Anthropic Messages, Gemini, Vertex AI. Any key is good.",
    "Vertex AI: the key of a service account is at GET /_simulator/service-account?name=NAME&project=PROJECT; NAME may end",
    "in a fault, and robot~expires=2 gets tokens for 2 seconds. POST /_simulator/revoke-tokens takes all tokens back.",
    "",
    "Words: header x-simulate, model suffix or key suffix: NAME[,NAME…][,k=v…], as in gpt-5~cut,after=3",
    "Faults:",
    `  answers: ${Object.keys(GENERAL_FAULTS).join(" ")} (reset=SECONDS)`,
    "  transport: cut stall (after=N, ms=MS, how=rst|fin|end, before-headers) slow (ms=MS) split (by=N) gzip br deflate zstd",
    "  content: html empty garbage json-for-stream sse-for-json crlf cr comments no-done error-first error-mid (after=N, failed)",
    "  sizes: count=N (deltas), huge (bytes=N); status=N; times=N (only the first N requests); org=NAME (of a key)",
    "What the model says:",
    ...listed(SCRIPT_WORDS),
    ...Object.entries(COMPAT_WORDS).flatMap(([dialect, words]) => [
      `compat of ${dialect}:`,
      ...listed(words),
    ]),
    "Orders in the user's prompt. Without one, without calls=N and without a forced tool_choice no tool is called:",
    ...listed(ORDERS),
    "The payer of an answer: [[bill NAME]] in the prompt",
    "Personas: servers that speak Chat in their own way, each at the base URL /persona/NAME/v1. A model's name that ends in",
    "-32k has a context of 32,768 tokens.",
    ...PERSONA_NAMES.map(
      (name) => `  ${name}: ${PERSONAS[name].about} (${PERSONAS[name].models.join(", ")})`,
    ),
    "Scenarios, by the same names:",
    ...Object.entries(SCENARIOS).map(([name, scenario]) => `  ${name}: ${scenario.signal}`),
    "",
    "GET /_simulator/requests?since=N: what was asked. GET /_simulator/last?back=N: the body of the last request, as it",
    "came (back=1: of the one before). GET /_simulator/bill: what each credential and payer has to pay. POST",
    "/_simulator/reset: forget all.",
    "",
  ].join("\n");
}
