import { expect, test } from "bun:test";
import fc from "fast-check";
import { plainMediaType, sniffMediaType } from "./media-type.ts";

function file(latin1: string): Uint8Array {
  return new Uint8Array(Buffer.from(latin1, "latin1"));
}

/** The first box of a picture in ISO 23008-12, and what comes after it. */
function box(...brands: string[]): string {
  const [major = "", ...others] = brands;
  return `\0\0\0${String.fromCharCode(16 + others.length * 4)}ftyp${major}\0\0\0\0${others.join("")}\0\0\0\x08meta`;
}

const FILES: readonly (readonly [type: string | null, beginning: string])[] = [
  ["image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
  ["image/jpeg", "\xff\xd8\xff\xe0\0\x10JFIF"],
  ["image/jpeg", "\xff\xd8\xff\xdb"],
  ["image/gif", "GIF87a"],
  ["image/gif", "GIF89a\x01\0"],
  ["image/webp", "RIFF\x24\0\0\0WEBPVP8 "],
  ["audio/wav", "RIFF\x24\0\0\0WAVEfmt "],
  ["image/heic", box("heic", "mif1", "heic")],
  ["image/heic", box("mif1", "heic")],
  ["image/heif", box("mif1", "miaf")],
  [null, box("avif", "mif1")],
  [null, box("mif1", "avif")],
  [null, box("isom", "mp42")],
  ["application/pdf", "%PDF-1.7\n"],
  ["application/pdf", "\xef\xbb\xbf\n%PDF-1.4\n"],
  ["audio/mpeg", "ID3\x04\0"],
  ["audio/mpeg", "\xff\xfb\x90\x64"],
  ["audio/mpeg", "\xff\xf3\x44\xc4"],
  [null, "\xff\xf1\x50\x80"],
  [null, "\xff\xfe\0a"],
  [null, "RIFF\x24\0\0\0AVI LIST"],
  [null, "<!doctype html>"],
  [null, "<svg xmlns="],
  [null, "\x89PNG\n"],
  [null, "ftyp"],
  [null, ""],
];

for (const [type, beginning] of FILES) {
  test(`a file that begins with ${JSON.stringify(beginning.slice(0, 24))} is ${type ?? "of no known type"}`, () => {
    expect(sniffMediaType(file(beginning))).toBe(type);
    const within = Buffer.concat([Buffer.alloc(3, 7), file(beginning)]).subarray(3);
    expect(sniffMediaType(within)).toBe(type);
  });
}

test("any bytes have a type or none", () => {
  const starts = fc.constantFrom(...FILES.map(([, beginning]) => beginning));
  const cut = fc.tuple(starts, fc.nat(40), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(cut, ([beginning, size, rest]) => {
      const type = sniffMediaType(Buffer.concat([file(beginning).subarray(0, size), rest]));
      expect(type === null || type.includes("/")).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("a type has one name, however it is spelled", () => {
  const spelled = [
    "Image/JPG; q=1",
    " image/jpeg ",
    "audio/mp3",
    "AUDIO/X-WAV",
    "application/pdf;charset=binary",
    "",
  ];
  const names = ["image/jpeg", "image/jpeg", "audio/mpeg", "audio/wav", "application/pdf", ""];
  expect(spelled.map(plainMediaType)).toEqual(names);
});
