/**
 * The peek at a Gemini request: its path says the model and whether it streams. Both spellings of a member
 * count.
 */
import { GatewayError } from "../../core/errors.ts";
import { compileShape } from "../../wire/json-shape.ts";
import { prefixPlan } from "../shared/prefix-plan.ts";
import { makeIdPlan, type ProviderId, type ProviderIdKind } from "../shared/provider-id-plan.ts";
import { MODEL_IN_OTHER_CASES } from "../shared/request-peek.ts";

const CONFIG = {
  maxOutputTokens: true,
  max_output_tokens: true,
  candidateCount: true,
  candidate_count: true,
} as const;

export const PEEK_SHAPE = compileShape({
  cachedContent: true,
  cached_content: true,
  generationConfig: CONFIG,
  generation_config: CONFIG,
  serviceTier: true,
  service_tier: true,
  ...MODEL_IN_OTHER_CASES,
});

const PARTS = ["contents.*.parts.*", "systemInstruction.parts.*", "system_instruction.parts.*"] as const;
const FILES = ["fileData.fileUri", "file_data.file_uri", "fileData.file_uri", "file_data.fileUri"] as const;
const PLACES: readonly (readonly [path: string, kind: ProviderIdKind])[] = [
  ["cachedContent", "cached content"],
  ["cached_content", "cached content"],
  ...PARTS.flatMap((part) => FILES.map((file) => [`${part}.${file}`, "file"] as const)),
  ["tools.*.fileSearch.fileSearchStoreNames.*", "vector store"],
  ["tools.*.file_search.file_search_store_names.*", "vector store"],
];

/** A count may hold a whole request. Both spellings of a member count, also mixed. */
export const PROVIDER_IDS = makeIdPlan(
  Object.fromEntries(
    ["", "generateContentRequest.", "generate_content_request."].flatMap((root) =>
      PLACES.map(([path, kind]) => [root + path, kind] as const),
    ),
  ),
  unknown,
);

/** Google's words, which do not tell whether the object is there. */
function unknown({ kind, id }: ProviderId): GatewayError {
  const name = id.split("/").at(-1) ?? id;
  const message =
    kind === "cached content"
      ? "CachedContent not found (or permission denied)"
      : `You do not have permission to access the ${kind} ${name} or it may not exist.`;
  return new GatewayError("state_not_found", message);
}

/** Without marks, so a turn is taken as it stands. */
export const PREFIX = prefixPlan({
  head: {
    tools: true,
    systemInstruction: true,
    system_instruction: true,
    toolConfig: true,
    tool_config: true,
  },
  turns: "contents",
  turn: true,
  others: {},
});
