/** A client's request, of either method: an answer, or a count of what it would take. */
import { GatewayError } from "../../core/errors.ts";
import type { Drop, JsonObject } from "../../neutral/request.ts";
import type { DecodedRequest, DecodeRequestOptions } from "../codec.ts";
import { decodeConfig } from "./config-decode.ts";
import { Members } from "./members.ts";
import { decodeToolChoice, decodeTools } from "./tool-decode.ts";
import { decodeContents, decodeSystem } from "./turn-decode.ts";

/** Members that mean something that no other provider could keep, and why. */
const REFUSED: readonly (readonly [name: string, why: string])[] = [
  ["cachedContent", "names a cache that lives at Google; send the contents themselves"],
  ["continuationToken", "goes on with an answer of Google's; ask anew"],
  ["modelArmorConfig", "is a safety gate that only Vertex AI has; remove it or use a model of Vertex AI"],
];

export function decodeRequest(body: JsonObject, options: DecodeRequestOptions): DecodedRequest {
  const outer = new Members(body, "");
  const wrapped = outer.object("generateContentRequest");
  const request = wrapped === null ? outer : new Members(wrapped, "");
  const dropped: Drop[] = [];
  // The path says it.
  request.get("model");
  for (const [name, why] of REFUSED) {
    if (request.get(name) !== null)
      throw new GatewayError("not_translatable", `${name} ${why}`, { param: name });
  }
  const safety = request.list("safetySettings");
  if (safety.length > 0)
    dropped.push({ field: "safetySettings", reason: "other providers have filters of their own" });
  if (request.boolean("store") === true)
    dropped.push({ field: "store", reason: "the reply is not stored at the provider" });
  const decoded: DecodedRequest = {
    request: {
      model: options.model,
      stream: options.stream,
      tools: decodeTools(request, dropped),
      system: decodeSystem(request),
      messages: decodeContents(request, dropped),
      toolChoice: decodeToolChoice(request, dropped),
      parallelToolCalls: null,
      ...decodeConfig(request, dropped),
      verbosity: null,
      userId: null,
      metadata: request.object("labels"),
      serviceTier: decodeTier(request),
      cacheKey: null,
      cacheWhole: null,
    },
    dropped,
    replyContext: null,
  };
  request.dropRest(dropped);
  return decoded;
}

function decodeTier(request: Members): string | null {
  const tier = request.string("serviceTier")?.toLowerCase() ?? "";
  return tier === "" || tier.endsWith("unspecified") ? null : tier.replace(/^service_tier_/, "");
}
