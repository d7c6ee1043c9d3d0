/** Where the requests of a dialect name objects that live at the provider, of which kinds, and what an unknown one gets. */
import { GatewayError } from "../../core/errors.ts";
import { compileShape, type JsonShape, type ShapeNode } from "../../wire/json-shape.ts";

/**
 * `made`: replies that pass here name the object, so the gateway knows who made it. `other`: a console makes it, or a
 * route that the gateway does not have, or a reply names more of them than are kept.
 */
const KINDS = {
  response: "made",
  "previous response": "made",
  conversation: "made",
  container: "made",
  thread: "made",
  item: "other",
  file: "other",
  "cached content": "other",
  prompt: "other",
  "vector store": "other",
  connector: "other",
  skill: "other",
  audio: "other",
  "tuned model": "other",
} as const satisfies Readonly<Record<string, "made" | "other">>;

/**
 * Members that say where a request goes on. Some servers make a request of another dialect of what they get, and
 * pass such members on (https://docs.litellm.ai/docs/response_api), so they count in each of OpenAI's and Anthropic's.
 */
export const GOES_ON_WITH = {
  previous_response_id: "previous response",
  conversation: "conversation",
  "conversation.id": "conversation",
  container: "container",
  "container.id": "container",
  "tools.*.container": "container",
  "tools.*.environment.container_id": "container",
} as const satisfies Readonly<Record<string, keyof typeof KINDS>>;

export type ProviderIdKind = keyof typeof KINDS;

/** Whether the gateway knows the maker of such objects, unless they are older than its memory or made elsewhere. */
export function isMadeHere(kind: ProviderIdKind): boolean {
  return KINDS[kind] === "made";
}

export interface ProviderId {
  readonly kind: ProviderIdKind;
  readonly id: string;
  /** The member that names it, as in `tools.*.container`; "id": the path does. */
  readonly field: string;
}

/** The places of a dialect's requests that name objects, by their paths; `*` is every element of an array. */
export interface ProviderIdPlan {
  readonly shape: ShapeNode;
  readonly kinds: ReadonlyMap<string, ProviderIdKind>;
  /** The path of an item of a conversation, which is a stored object when it is a reference; null: there are none. */
  readonly items: string | null;
  /** A body without any of these as a whole key or value names none, unless they are escaped. */
  readonly words: readonly string[];
  /** What the provider says of an object that does not exist. */
  unknown(object: ProviderId): GatewayError;
}

export function makeIdPlan(
  paths: Readonly<Record<string, ProviderIdKind>>,
  unknown: ProviderIdPlan["unknown"],
  items: string | null = null,
): ProviderIdPlan {
  const all = Object.keys(paths);
  const more = items === null ? [] : ["type", "id", "encrypted_content"].map((name) => `${items}.${name}`);
  const names = new Set(
    all.map((path) => path.split(".").findLast((part) => part !== "*" && part !== "id") ?? path),
  );
  const words = [...names, ...(items === null ? [] : ["item_reference", "reasoning"])];
  return {
    shape: compileShape(shapeOf([...all, ...more])),
    kinds: new Map(Object.entries(paths)),
    items,
    words,
    unknown,
  };
}

type Growing = { [key: string]: Growing | true };

function shapeOf(paths: readonly string[]): JsonShape {
  const root: Growing = {};
  for (const path of paths) {
    let at = root;
    const parts = path.split(".");
    const last = parts.pop() as string;
    for (const part of parts) {
      const inner = at[part];
      if (inner === undefined || inner === true) {
        // An object in one request is a text in another one.
        const made: Growing = {};
        at[part] = made;
        at = made;
      } else at = inner;
    }
    at[last] ??= true;
  }
  return root;
}

/** OpenAI's words. */
export function unknownToOpenai({ kind, id, field }: ProviderId): GatewayError {
  const message = `${capitalized(kind)} with id '${id}' not found.`;
  if (kind === "previous response")
    return new GatewayError("previous_state_not_found", message, { param: field });
  const [param = field] = field.split(".");
  return new GatewayError("state_not_found", message, field === "id" ? {} : { param });
}

export function capitalized(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
