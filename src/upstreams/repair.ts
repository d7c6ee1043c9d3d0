/**
 * Refusals that a change of the request can repair. The provider's words tell which change; each is made
 * once.
 */
import type { Repairs } from "../dialects/codec.ts";
import type { DialectName } from "../dialects/dialect.ts";

export const NO_REPAIRS: Repairs = Object.freeze({
  withoutSeals: false,
  withoutStreamOptions: false,
  systemFirst: false,
  withoutSummary: false,
});

export type Repair = keyof Repairs;

interface Row {
  readonly dialects: readonly DialectName[];
  readonly text: RegExp;
  readonly repair: Repair;
}

const ROWS: readonly Row[] = [
  {
    dialects: ["openai-responses"],
    text: /invalid_encrypted_content|encrypted content .{0,80}(?:could not be (?:verified|decrypted)|is invalid)/i,
    repair: "withoutSeals",
  },
  {
    dialects: ["gemini"],
    text: /(?:corrupted|invalid|not valid|missing a?)\s*thought[_ ]signature|thought[_ ]signature.{0,60}(?:is not valid|corrupted|invalid|missing)/i,
    repair: "withoutSeals",
  },
  {
    dialects: ["anthropic-messages"],
    text: /invalid `?signature`? in `?thinking`? block|thinking.{0,80}cannot be modified|must start with a thinking block/i,
    repair: "withoutSeals",
  },
  {
    dialects: ["openai-chat"],
    text: /reasoning_content/i,
    repair: "withoutSeals",
  },
  {
    dialects: ["openai-chat"],
    text: /stream_options/i,
    repair: "withoutStreamOptions",
  },
  {
    dialects: ["openai-chat"],
    text: /system (?:message|role).{0,60}(?:at the beginning|must be (?:the )?first|only (?:be )?(?:at|the))|only .{0,40}system messages? at the (?:start|beginning)|conversation roles must alternate/i,
    repair: "systemFirst",
  },
  {
    dialects: ["openai-responses"],
    text: /organization must be verified to generate reasoning summaries|reasoning\.summary/i,
    repair: "withoutSummary",
  },
];

/** The repair for a refusal with this body; null: none is known. */
export function repairFor(dialect: DialectName, status: number, body: string): Repair | null {
  if (status !== 400 && status !== 422 && status !== 403) return null;
  const row = ROWS.find(({ dialects, text }) => dialects.includes(dialect) && text.test(body));
  return row?.repair ?? null;
}

/**
 * Repairs that hold for later requests to the same upstream and model too. A refused seal concerns its
 * request alone.
 */
const LASTING = ["withoutStreamOptions", "systemFirst", "withoutSummary"] as const;

const MAX_REMEMBERED = 1_000;
const MAX_NAME_CHARS = 256;

/** Repairs that upstreams were found to need, by upstream and model. In memory only. */
export class LearnedRepairs {
  readonly #learned = new Map<string, Repairs>();

  of(upstream: string, model: string): Repairs {
    if (this.#learned.size === 0) return NO_REPAIRS;
    return this.#learned.get(`${upstream}/${model}`) ?? NO_REPAIRS;
  }

  /**
   * The upstream answered a request with these repairs. A refusal alone proves nothing, because it may quote
   * the client.
   */
  learn(upstream: string, model: string, repairs: Repairs): void {
    const known = this.of(upstream, model);
    const found = LASTING.filter((repair) => repairs[repair] && !known[repair]);
    if (found.length === 0 || model.length > MAX_NAME_CHARS) return;
    if (this.#learned.size >= MAX_REMEMBERED) this.#learned.clear();
    this.#learned.set(`${upstream}/${model}`, {
      ...known,
      ...Object.fromEntries(found.map((repair) => [repair, true])),
    });
  }
}
