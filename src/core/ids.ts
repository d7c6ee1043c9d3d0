/** The only source of randomness. All other code takes `Ids`, so that tests can fix the ids. */

export interface Ids {
  /** A ULID: 26 characters of Crockford base 32, ascending also within one millisecond. */
  ulid(atMs: number): string;
  /** `bytes` random bytes in lower-case hex, for secrets and tokens. */
  hex(bytes: number): string;
}

/** The digits of base 32 in ULIDs. */
export const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_CHARS = 16;

/**
 * `random` returns so many random bytes. Within one millisecond, and when the clock goes back, a ULID is the
 * previous ULID plus one, as the ULID specification says, so that ids only grow.
 */
export function makeIds(random: (bytes: number) => Uint8Array = systemRandom): Ids {
  const digits = new Uint8Array(RANDOM_CHARS);
  let lastMs = -1;
  /** The id without its last digit. Within a millisecond only the last digit changes, 31 times of 32. */
  let head = "";

  const encode = (): void => {
    head = encodeTime(lastMs);
    for (let i = 0; i < RANDOM_CHARS - 1; i++) head += CROCKFORD.charAt(digits[i] as number);
  };

  const refill = (): void => {
    const bytes = random(RANDOM_CHARS);
    for (let i = 0; i < RANDOM_CHARS; i++) digits[i] = (bytes[i] as number) & 31;
    // The highest bit stays free, so that an increment within a millisecond cannot overflow.
    digits[0] = (digits[0] as number) & 15;
    encode();
  };

  const increment = (): void => {
    const last = digits[RANDOM_CHARS - 1] as number;
    if (last < 31) {
      digits[RANDOM_CHARS - 1] = last + 1;
      return;
    }
    let i = RANDOM_CHARS - 1;
    while (i > 0 && digits[i] === 31) digits[i--] = 0;
    digits[i] = (digits[i] as number) + 1;
    encode();
  };

  return {
    ulid(atMs) {
      if (atMs > lastMs) {
        lastMs = atMs;
        refill();
      } else {
        increment();
      }
      return head + CROCKFORD.charAt(digits[RANDOM_CHARS - 1] as number);
    },
    hex(bytes) {
      return Buffer.from(random(bytes)).toString("hex");
    },
  };
}

function systemRandom(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

/** The ten characters that begin a ULID. */
export function encodeTime(atMs: number): string {
  let rest = atMs;
  let text = "";
  for (let i = 0; i < 10; i++) {
    text = CROCKFORD.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
