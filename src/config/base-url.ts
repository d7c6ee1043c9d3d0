/** Finds a `base_url` that is the URL of an endpoint: a slip that every request would pay for with a 404. */
import type { FamilyName } from "./schema.ts";

/**
 * The ends of the dialects' endpoint paths, behind a version such as `/v1`; an end before its own tail. A test holds
 * them to `dialects/endpoint.ts`. `completions` is the older one, which servers still have.
 */
const ENDPOINT_ENDS = [
  "chat/completions",
  "completions",
  "embeddings",
  "messages/count_tokens",
  "messages",
  "responses/input_tokens",
  "responses/compact",
  "responses",
] as const;

const ENDPOINT = new RegExp(`/(?:${ENDPOINT_ENDS.join("|")})/*$`, "i");
/** `/v1beta/models/m:generateContent`. */
const ACTION = /(\/v\d\w*)?\/(?:models|tunedModels)(?:\/[^/:]+)+:\w*\/*$/i;
/** A list of models. Without a version this is no slip: servers of Azure end in `/models`. */
const LIST = /(?<=\/v\d\w*)\/(?:models|tunedModels)\/*$/i;
const VERSION = /\/v\d\w*$/i;
/** Families whose official SDK takes the version as a part of the base URL. */
const VERSIONED_FAMILIES: readonly unknown[] = ["openai"] satisfies FamilyName[];

export interface BaseUrlSlip {
  /** The part that is too much, as in `/chat/completions`. */
  readonly ending: string;
  /** The URL without it, as the family's official SDK takes it. */
  readonly suggested: string;
}

/** null: the URL does not end in the path of an endpoint. */
export function findSlip(family: unknown, url: string): BaseUrlSlip | null {
  const found = ENDPOINT.exec(url) ?? ACTION.exec(url) ?? LIST.exec(url);
  if (found === null) return null;
  const base = url.slice(0, found.index);
  const isVersioned = VERSIONED_FAMILIES.includes(family);
  return {
    ending: found[0].replace(/(?<!\/)\/+$/, ""),
    suggested: isVersioned ? base : base.replace(VERSION, ""),
  };
}
