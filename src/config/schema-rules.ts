/**
 * Building blocks of the schema: how a key is declared, and kinds of values with the message for a wrong one.
 */

import * as v from "valibot";
import { isIP } from "../core/addresses/ip-address.ts";

/** The largest delay of a timer. */
export const MAX_TIMER_MS = 2_147_483_647;
/** The most memory that any limit allows. */
export const MAX_MEMORY_BYTES = 1_099_511_627_776;
/** The largest body that any limit allows. */
export const MAX_BODY_BYTES = 1_073_741_824;

/**
 * When a change of a key takes effect. `reload`: as soon as the changed file was read, because the code that
 * uses the value takes it from the snapshot in force. `start`: at the next start, because something that is
 * made at the start keeps the value.
 */
export type AppliesAt = "start" | "reload";

/** A key that every file must have. */
export function required<const Schema extends v.GenericSchema>(
  schema: Schema,
  appliesAt: AppliesAt,
  description: string,
) {
  return v.pipe(schema, v.description(description), v.metadata({ appliesAt }));
}

/** A key without a default: null in the configuration when the file does not have it. */
export function optional<const Schema extends v.GenericSchema>(
  schema: Schema,
  appliesAt: AppliesAt,
  description: string,
) {
  return v.optional(required(schema, appliesAt, description));
}

/** A key with a default. */
export function withDefault<const Schema extends v.GenericSchema>(
  schema: Schema,
  fallback: v.InferInput<Schema>,
  appliesAt: AppliesAt,
  description: string,
) {
  return v.optional(required(schema, appliesAt, description), fallback);
}

/** A table that may be missing, because none of its keys is required. */
export function table<const Entries extends v.ObjectEntries>(entries: Entries) {
  const schema = v.object(entries);
  return v.optional(schema, {} as v.InferInput<typeof schema>);
}

/** A check whose message has two lines: the fault, and the repair. */
export function rule<T>(isGood: (value: T) => boolean, message: string, repair: string) {
  return v.check<T, string>(isGood, `${message}\n${repair}`);
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number) {
  const range = `must be a whole number from ${min} to ${max}\n`;
  return v.pipe(v.number(range), v.integer(range), v.minValue(min, range), v.maxValue(max, range));
}

/** A number that need not be whole. */
export function decimal(min: number, max: number) {
  const range = `must be a number from ${min} to ${max}\n`;
  return v.pipe(
    v.number(range),
    v.minValue(min, range),
    v.maxValue(max, range),
    v.metadata({ isDecimal: true }),
  );
}

export const durationMs = whole(1, MAX_TIMER_MS);
/** Text that is not blank. */
export const text = v.pipe(
  v.string(),
  rule((value) => value.trim() !== "", "is empty", "give the key a value or remove the line"),
);
/** Text that no message, log or page may show. */
export const secret = v.pipe(text, v.metadata({ secret: true }));
/** The forms of a secret, for descriptions. */
export const secretNote = "`env:NAME`, `file:PATH` (relative to this file), or the text itself";

/** A name for people to read. */
export const label = v.pipe(
  v.string(),
  rule(
    (value) => /^[^\p{C}\s/]([^\p{C}/]{0,62}[^\p{C}\s/])?$/u.test(value),
    "is not a name",
    "use 1 to 64 printable characters, without / and without spaces at the ends",
  ),
);

/** A name that can be the prefix of a model. */
export const upstreamName = v.pipe(
  v.string(),
  rule(
    (value) => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(value),
    "is not a name for an upstream",
    "use 1 to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or digit",
  ),
);

const MAX_PATTERN_CHARS = 256;

/** A name of a model with any number of `*`, each for any text. */
export const modelPattern = v.pipe(
  v.string(),
  rule(
    (value) => value.length <= MAX_PATTERN_CHARS && /^[^\s\p{C}]+$/u.test(value),
    "is not a name or a pattern of models",
    `use 1 to ${MAX_PATTERN_CHARS} characters without spaces, as in "claude-*"`,
  ),
);

/** A host name or an IP address, without port. */
export const hostName = v.pipe(
  v.string(),
  rule(
    isHost,
    "is not a host name or address",
    'write the host without scheme, port and path, as in "gateway.example.com"',
  ),
);

/** An IP address or a CIDR. */
export const address = v.pipe(
  v.string(),
  rule(isAddressOrCidr, "is not an address or CIDR", 'write the value as in "10.0.0.0/8" or "fd00::1"'),
);

/** The name of a query parameter. A credential in a query would stand in logs on its way. */
export const queryName = v.pipe(
  v.string(),
  rule(
    (value) => /^[\w.$[\]-]{1,64}$/.test(value),
    "is not the name of a query parameter",
    "use 1 to 64 of letters, digits and _ . $ - [ ]",
  ),
  rule(
    (value) => !/^(?:key|.*token|.*api[-_]?key|.*secret|.*password|auth.*|sig.*)$/i.test(value),
    "is a credential, which never passes in a query",
    "remove it; the upstream's credentials are in [[upstreams.credentials]]",
  ),
);

/** The origin of a web page, or `*`. */
export const origin = v.pipe(
  v.string(),
  rule(isOrigin, "is not an origin", 'write the value as in "https://app.example.com", or "*"'),
);

/** The base URL of an upstream; slashes at its end are removed. */
export const baseUrl = v.pipe(
  v.string(),
  rule(
    (value) => parseHttpUrl(value) !== null,
    "is not an http or https URL",
    'write the value as in "https://api.example.com/v1"',
  ),
  rule(
    (value) => isWithoutExtras(value),
    "must have no user name, password, query or fragment",
    "credentials belong in [[upstreams.credentials]]",
  ),
  v.transform((value) => value.replace(/(?<!\/)\/+$/, "")),
);

function isHost(value: string): boolean {
  if (isIP(value) !== 0) return true;
  return (
    value.length <= 253 &&
    value.split(".").every((part) => /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(part)) &&
    !/^[0-9.]+$/.test(value)
  );
}

function isAddressOrCidr(value: string): boolean {
  const [host = "", bits, ...rest] = value.split("/");
  const version = isIP(host);
  if (version === 0 || host.includes("%") || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function isOrigin(value: string): boolean {
  return value === "*" || parseHttpUrl(value)?.origin === value;
}

function parseHttpUrl(value: string): URL | null {
  const url = /^https?:\/\/[^\s]+$/i.test(value) ? URL.parse(value) : null;
  return url?.hostname ? url : null;
}

function isWithoutExtras(value: string): boolean {
  const url = parseHttpUrl(value);
  return url === null || (!/[?#]/.test(value) && url.username === "" && url.password === "");
}
