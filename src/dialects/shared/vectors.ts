/** Vectors in replies. */
import { Buffer } from "node:buffer";
import { GatewayError } from "../../core/errors.ts";

/** The numbers of a vector: a list, or base64 of 32-bit floats. Throws `upstream_garbage` for anything else. */
export function vectorOf(value: unknown): readonly number[] {
  if (Array.isArray(value) && value.every((number) => typeof number === "number")) return value;
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "base64");
    if (bytes.length > 0 && bytes.length % 4 === 0)
      return Array.from({ length: bytes.length / 4 }, (_, n) => bytes.readFloatLE(4 * n));
  }
  throw new GatewayError("upstream_garbage", "the upstream's reply holds no vectors of numbers");
}

/** Base64 of 32-bit floats, little-endian. */
export function base64OfVector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [n, number] of vector.entries()) bytes.writeFloatLE(number, 4 * n);
  return bytes.toString("base64");
}
