/** The type of a file by its first bytes, and the many spellings of types. Pure. */

/** Other names of types, as servers and vendors use them. */
const ALIASES: Readonly<Record<string, string>> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "image/x-png": "image/png",
  "image/heic-sequence": "image/heic",
  "image/heif-sequence": "image/heif",
  "application/x-pdf": "application/pdf",
  "audio/mp3": "audio/mpeg",
  "audio/x-mp3": "audio/mpeg",
  "audio/wave": "audio/wav",
  "audio/x-wav": "audio/wav",
  "audio/vnd.wave": "audio/wav",
};

/** Readers look for the beginning of a PDF within so many bytes. */
const PDF_SEARCH_BYTES = 1_024;
const MAX_BRAND_BOX_BYTES = 256;
const HEIC_BRANDS = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]);
const HEIF_BRANDS = new Set(["mif1", "msf1"]);

/** A mime type in lower case, without parameters, under its usual name. */
export function plainMediaType(type: string): string {
  const bare = (type.split(";")[0] ?? "").trim().toLowerCase();
  return ALIASES[bare] ?? bare;
}

/** The type of the bytes: png, jpeg, gif, webp, heic, heif, pdf, wav or mp3; null for any other. */
export function sniffMediaType(bytes: Uint8Array): string | null {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString("latin1");
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (text(0, 3) === "\xff\xd8\xff") return "image/jpeg";
  if (text(0, 6) === "GIF87a" || text(0, 6) === "GIF89a") return "image/gif";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "image/webp";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WAVE") return "audio/wav";
  if (text(4, 8) === "ftyp") return sniffBrand(bytes, text);
  if (text(0, 3) === "ID3" || isMp3Frame(bytes)) return "audio/mpeg";
  if (text(0, PDF_SEARCH_BYTES).includes("%PDF-")) return "application/pdf";
  return null;
}

/**
 * ISO 23008-12: the first box of a file names its brands, four letters each; its second word is a version.
 */
function sniffBrand(bytes: Uint8Array, text: (from: number, to: number) => string): string | null {
  const sizeBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= Math.min(sizeBytes, MAX_BRAND_BOX_BYTES); at += 4) brands.push(text(at, at + 4));
  if (brands.includes("avif") || brands.includes("avis")) return null;
  if (brands.some((brand) => HEIC_BRANDS.has(brand))) return "image/heic";
  return brands.some((brand) => HEIF_BRANDS.has(brand)) ? "image/heif" : null;
}

/** The header of an MPEG audio frame, layer III, with a version, bit rate and sampling rate that exist. */
function isMp3Frame(bytes: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0] = bytes;
  return (
    first === 0xff &&
    (second & 0xe0) === 0xe0 &&
    (second & 0x18) !== 0x08 &&
    (second & 0x06) === 0x02 &&
    (third & 0xf0) !== 0xf0 &&
    (third & 0x0c) !== 0x0c
  );
}
