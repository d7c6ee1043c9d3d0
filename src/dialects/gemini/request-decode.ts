/** Reads a request for an answer or for a count of its tokens. */
import type { JsonObject } from "../../core/json.ts";
import type { DecodedRequest, DecodeRequestOptions } from "../codec.ts";
import { Drops } from "../shared/drops.ts";
import { booleanAt, isAbsent, listAt, objectAt, stringAt, withCamelNames } from "../shared/members.ts";
import { refusedPart } from "../shared/refusal.ts";
import { decodeConfig } from "./config-decode.ts";
import { decodeToolChoice, decodeTools } from "./tool-decode.ts";
import { decodeContents, decodeSystem } from "./turn-decode.ts";

/** Members whose meaning no other provider could keep. */
const REFUSED: readonly (readonly [name: string, why: string])[] = [
  ["cachedContent", "the cache is kept at Google; send the contents themselves"],
  ["continuationToken", "only Google can continue the answer; ask anew"],
  ["modelArmorConfig", "only Vertex AI has the safety gate; leave it out, or use a model of Vertex AI"],
];

const MEMBERS: ReadonlySet<string> = new Set([
  ...REFUSED.map(([name]) => name),
  // The path names the model.
  "model",
  "contents",
  "systemInstruction",
  "tools",
  "toolConfig",
  "generationConfig",
  "safetySettings",
  "store",
  "labels",
  "serviceTier",
]);

export function decodeRequest(body: JsonObject, options: DecodeRequestOptions): DecodedRequest {
  const outer = withCamelNames(body);
  const wrapped = objectAt(outer, "generateContentRequest", "");
  const request = wrapped === null ? outer : withCamelNames(wrapped);
  const drops = new Drops();
  for (const [name, why] of REFUSED) if (!isAbsent(request[name])) throw refusedPart(name, why);
  if ((listAt(request, "safetySettings", "") ?? []).length > 0)
    drops.add("safetySettings", "other providers have filters of their own");
  if (booleanAt(request, "store", "") === true) drops.add("store", "other providers do not store the reply");
  const decoded: DecodedRequest = {
    request: {
      model: options.model,
      stream: options.stream,
      tools: decodeTools(request, drops),
      system: decodeSystem(request, drops),
      messages: decodeContents(request, drops),
      toolChoice: decodeToolChoice(request, drops),
      parallelToolCalls: null,
      ...decodeConfig(request, drops),
      verbosity: null,
      userId: null,
      metadata: objectAt(request, "labels", ""),
      serviceTier: decodeTier(request),
      cacheKey: null,
      cacheWhole: null,
    },
    dropped: drops.list,
    replyContext: null,
  };
  drops.addUnknown(request, MEMBERS, "");
  return decoded;
}

function decodeTier(request: JsonObject): string | null {
  const tier = stringAt(request, "serviceTier", "")?.toLowerCase() ?? "";
  return tier === "" || tier.endsWith("unspecified") ? null : tier.replace(/^service_tier_/, "");
}
