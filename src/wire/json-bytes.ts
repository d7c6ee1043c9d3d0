/** The bytes with a meaning in JSON. */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;

/**
 * The kind of each byte: 1 quote, 2 opening bracket, 3 closing bracket, 4 white space, 5 part of a number or
 * literal, 0 any other.
 */
export const BYTE_KIND = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0d]) BYTE_KIND[byte] = 4;
for (const char of "0123456789+-.eEtrufalsn") BYTE_KIND[char.charCodeAt(0)] = 5;
BYTE_KIND[QUOTE] = 1;
BYTE_KIND[OPEN_BRACE] = 2;
BYTE_KIND[OPEN_BRACKET] = 2;
BYTE_KIND[CLOSE_BRACE] = 3;
BYTE_KIND[CLOSE_BRACKET] = 3;

/** The first byte that is not white space; undefined when there is none. */
export function firstJsonByte(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => BYTE_KIND[byte] !== 4);
}
