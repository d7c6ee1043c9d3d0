import { expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { hmacSha256, sha256, sha256Hex } from "./hash.ts";

const PIECE = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.uint8Array());
const ENCODING = fc.constantFrom("hex", "base64", "base64url" as const);

test("hashes are those of Node, whatever the pieces", () => {
  fc.assert(
    fc.property(fc.array(PIECE), ENCODING, (pieces, encoding) => {
      const [ours, nodes] = [sha256(), createHash("sha256")];
      for (const piece of pieces) {
        ours.update(piece);
        nodes.update(piece);
      }
      expect(ours.digest(encoding)).toBe(nodes.digest(encoding));
    }),
  );
});

test("hashes of a whole are those of its pieces", () => {
  fc.assert(
    fc.property(PIECE, (piece) => expect(sha256Hex(piece)).toBe(sha256().update(piece).digest("hex"))),
  );
});

test("keyed hashes are those of Node", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      PIECE,
      ENCODING,
      (secret, piece, encoding) => {
        const expected = createHmac("sha256", secret).update(piece).digest(encoding);
        expect(hmacSha256(secret).update(piece).digest(encoding)).toBe(expected);
      },
    ),
  );
});

test("half a character is hashed as the sign for one that is missing", () => {
  expect(sha256Hex("a\ud800b")).toBe(createHash("sha256").update("a\ufffdb").digest("hex"));
});
