/** Kinds of values that the schema is made of, each with what to say when one is wrong. */
import { isIP } from "node:net";
import * as v from "valibot";

/** The longest that a timer runs. */
export const MAX_TIMER_MS = 2_147_483_647;
/** The largest body that any limit allows. */
export const MAX_BODY_BYTES = 1_073_741_824;

/** A rule whose message has two lines: what is wrong, and the repair. */
export function rule<T>(isGood: (value: T) => boolean, message: string, repair: string) {
  return v.check<T, string>(isGood, `${message}\n${repair}`);
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number) {
  const range = `must be a whole number from ${min} to ${max}.\n`;
  return v.pipe(v.number(), v.integer(range), v.minValue(min, range), v.maxValue(max, range));
}

/** A number that need not be whole. */
export function decimal(min: number, max: number) {
  const range = `must be a number from ${min} to ${max}.\n`;
  return v.pipe(v.number(), v.minValue(min, range), v.maxValue(max, range), v.metadata({ isDecimal: true }));
}

/** A time that a timer can wait. */
export const durationMs = whole(1, MAX_TIMER_MS);
/** Text that says something. */
export const text = v.pipe(
  v.string(),
  rule((value) => value.trim() !== "", "is empty.", "Give it a value or remove the line."),
);
/** Text that is never shown. */
export const secret = v.pipe(text, v.metadata({ secret: true }));
/** How a secret may be written. */
export const secretNote = "`env:NAME`, `file:PATH` (relative to this file), or the text itself";

/** A name for a person to read. */
export const label = v.pipe(
  v.string(),
  rule(
    (value) => /^[^\p{C}\s/]([^\p{C}/]{0,62}[^\p{C}\s/])?$/u.test(value),
    "is not a name.",
    "Use 1 to 64 printable characters, without / and without spaces at the ends.",
  ),
);

/** A name that stands before models. */
export const upstreamName = v.pipe(
  v.string(),
  rule(
    (value) => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(value),
    "is not a name for an upstream.",
    "Use 1 to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or digit.",
  ),
);

/** A name or address, without port. */
export const hostName = v.pipe(
  v.string(),
  rule(
    isHost,
    "is not a host name or address.",
    'Write it without scheme, port and path, as in "gateway.example.com".',
  ),
);

/** An address or a range of them. */
export const address = v.pipe(
  v.string(),
  rule(isAddressOrCidr, "is not an address or CIDR.", 'Write it as in "10.0.0.0/8" or "fd00::1".'),
);

/** Where a page comes from. */
export const origin = v.pipe(
  v.string(),
  rule(isOrigin, "is not an origin.", 'Write it as in "https://app.example.com", or "*".'),
);

/** Where an upstream is reached. */
export const baseUrl = v.pipe(
  v.string(),
  rule(
    (value) => parseHttpUrl(value) !== null,
    "is not an http or https URL.",
    'Write it as in "https://api.example.com/v1".',
  ),
  rule(
    (value) => isWithoutExtras(value),
    "must have no user name, password, query or fragment.",
    "Credentials belong in [[upstreams.credentials]].",
  ),
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
