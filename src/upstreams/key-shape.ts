/** What the form of a provider's key tells of its provider. */
import type { FamilyName } from "../config/schema.ts";

export interface KeyOwner {
  readonly family: FamilyName;
  /** The provider's own name, for people and for a new upstream. */
  readonly name: string;
  /** Of a provider that shares its family with others; null: the family's own. */
  readonly baseUrl: string | null;
  /** Another family whose provider may take such a key. */
  readonly otherFamily?: FamilyName;
}

const MIN_CHARS = 16;
const MAX_CHARS = 4_096;

/** Only forms that one provider alone gives out. `sk-` by itself is given out by many. */
const OWNERS: readonly (readonly [begins: RegExp, owner: KeyOwner])[] = [
  [/^sk-ant-/, { family: "anthropic", name: "anthropic", baseUrl: null }],
  [/^AIza[\w-]{35}$/, { family: "gemini", name: "gemini", baseUrl: null, otherFamily: "vertex" }],
  [/^sk-or-v1-/, { family: "openai", name: "openrouter", baseUrl: "https://openrouter.ai/api/v1" }],
  [/^sk-(proj|svcacct|admin)-/, { family: "openai", name: "openai", baseUrl: null }],
  [/^gsk_/, { family: "openai", name: "groq", baseUrl: "https://api.groq.com/openai/v1" }],
  [/^xai-/, { family: "openai", name: "xai", baseUrl: "https://api.x.ai/v1" }],
];

/** Who gave out the key; null: its form does not tell for certain. */
export function ownerOfKey(key: string): KeyOwner | null {
  return OWNERS.find(([begins]) => begins.test(key))?.[1] ?? null;
}

/** Why a text cannot be a provider's key; null: it can. */
export function faultOfKey(key: string): string | null {
  if (!/^[\x21-\x7e]+$/.test(key)) return "has characters that no key has";
  if (key.length < MIN_CHARS) return "is too short to be one";
  if (key.length > MAX_CHARS) return "is too long for a key";
  if (/^(env|file):/.test(key)) return "is a reference, which is written into the file by hand";
  if (/^clew-/.test(key)) return "is a key of this gateway's own clients";
  if (/^https?:/.test(key)) return "is a URL";
  return null;
}

/** Whether a key of this owner can be of use at the upstream; `baseUrl` null: the family's own server. */
export function fitsUpstream(owner: KeyOwner, family: FamilyName, baseUrl: string | null): boolean {
  if (owner.family !== family) return owner.otherFamily === family;
  if (owner.baseUrl === null) return baseUrl === null || !isKnownElsewhere(owner, baseUrl);
  // A server of one's own may stand in front of the provider.
  return baseUrl !== null && (hostOf(baseUrl) === hostOf(owner.baseUrl) || !isKnownElsewhere(owner, baseUrl));
}

function isKnownElsewhere(owner: KeyOwner, baseUrl: string): boolean {
  const host = hostOf(baseUrl);
  return OWNERS.some(
    ([, other]) => other !== owner && other.baseUrl !== null && hostOf(other.baseUrl) === host,
  );
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "";
}
