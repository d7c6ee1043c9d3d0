/** All settings as one text: without secrets, or encrypted with a passphrase. */
import { createCipheriv, createDecipheriv, scrypt } from "node:crypto";
import type { Ids } from "../../core/ids.ts";
import type { Pieces } from "../../core/turns.ts";
import { looksSecret, type Path, type Problem, renderPath } from "../problem.ts";
import { isLiteral } from "../secret.ts";
import { type Outline, type Span, scanOutline, toPathId } from "../toml/positions.ts";
import { isTree, parseToml, type Tree } from "../toml/toml.ts";
import { isListOfTables, namedSettings, shownName } from "./named-settings.ts";
import { isSecretAt, isUnknownAt } from "./shown-value.ts";
import { type Splice, splice } from "./splice.ts";
import { writeValue } from "./toml-value.ts";

/** Stands for a secret in an export; the schema takes it for a text like any other, so imports replace it. */
const LEFT_OUT = "left-out-of-the-export";

/** The text without its secrets. Comments that look like a secret are left out as well. */
export function* exportPieces(text: string): Pieces<string> {
  const { root } = parseToml(text);
  yield;
  const outline = scanOutline(text);
  yield;
  const { places } = outline;
  const splices: Splice[] = [];
  const secrets: string[] = [];
  const lists: Span[] = [];
  for (const { path, value } of namedSettings(root).values()) {
    if (!isLeftOut(path, value)) continue;
    if (typeof value === "string") secrets.push(value);
    const place = places.get(toPathId(path));
    if (place === undefined) continue;
    splices.push({ ...place.value, text: writeValue(LEFT_OUT) });
    if (Array.isArray(value)) lists.push(place.value);
  }
  for (const { start, end } of gapsOf(text, outline)) {
    if (lists.some((list) => list.start <= start && end <= list.end)) continue;
    for (const { index, 0: comment } of text.slice(start, end).matchAll(/#[^\n]*/g)) {
      if (looksSecret(comment))
        splices.push({ start: start + index, end: start + index + comment.length, text: "# (left out)" });
    }
  }
  yield;
  let plain = splice(text, splices);
  // A secret may stand in a comment, or within another value.
  for (const [index, secret] of secrets.filter((one) => one.length > 3).entries()) {
    if (index % SECRETS_A_PIECE === 0) yield;
    plain = plain.replaceAll(secret, LEFT_OUT);
  }
  return plain;
}

/** Each is looked for in the whole text. */
const SECRETS_A_PIECE = 50;

/** A secret, or what stands under a name that is misspelled and may be one. */
function isLeftOut(path: Path, value: unknown): boolean {
  if (isUnknownAt(path)) return typeof value === "string" || (Array.isArray(value) && !isListOfTables(value));
  return typeof value === "string" && isSecretAt(path) && isLiteral(value);
}

/** What stands between statements, and between the members of lists: comments and spaces. */
function gapsOf(text: string, { statements, members, places }: Outline): readonly Span[] {
  const lists = [...members].flatMap(([id, spans]) => {
    const all = places.get(id)?.value;
    return all === undefined ? [] : gapsBetween({ start: all.start + 1, end: all.end - 1 }, spans);
  });
  return [...gapsBetween({ start: 0, end: text.length }, statements), ...lists];
}

function gapsBetween(all: Span, spans: readonly Span[]): readonly Span[] {
  const ends = [all.start, ...spans.map(({ end }) => end)];
  const starts = [...spans.map(({ start }) => start), all.end];
  return ends.map((start, index) => ({ start, end: starts[index] as number }));
}

export type ImportedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * The text of an export, with the secrets that it does not have from the text of now. References to variables and files
 * are taken only where they stand already: whoever imports could otherwise read any file. Throws `TomlError`.
 */
export function* importPieces(now: string, text: string): Pieces<ImportedText> {
  const nowRoot = parseToml(now).root;
  yield;
  const current = namedSettings(nowRoot);
  yield;
  const { root } = parseToml(text);
  yield;
  const { places } = scanOutline(text);
  yield;
  const problems: Problem[] = [];
  const splices: Splice[] = [];
  if (isTree(nowRoot.admin) && !isTree((root as Tree).admin))
    problems.push(problemAt(["admin"], "the export would switch the admin off", "add [admin] to it"));
  for (const [name, { path, value }] of namedSettings(root)) {
    if (typeof value !== "string" || !isSecretAt(path)) continue;
    const old = current.get(name)?.value;
    if (value === LEFT_OUT && typeof old === "string") {
      const place = places.get(toPathId(path));
      if (place !== undefined) splices.push({ ...place.value, text: writeValue(old) });
    } else if (value === LEFT_OUT)
      problems.push(
        problemAt(
          path,
          `the export has no secret for ${shownName(name)}`,
          "export with a passphrase, or write the secret into the text",
        ),
      );
    else if (!isLiteral(value) && value !== old)
      problems.push(
        problemAt(
          path,
          "a reference to a variable or a file cannot be imported",
          "write it into the file by hand",
        ),
      );
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, text: splice(text, splices) };
}

function problemAt(path: Path, message: string, repair: string): Problem {
  return { file: null, line: null, column: null, key: renderPath(path), value: null, message, repair };
}

const FORMAT = "clewline-settings-1";
/** 32 MiB and about a tenth of a second for each guess. */
const SCRYPT = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const [SALT_BYTES, NONCE_BYTES, KEY_BYTES] = [16, 12, 32];

/** The text as JSON, encrypted with AES-256-GCM. */
export async function seal(text: string, passphrase: string, ids: Ids): Promise<string> {
  const salt = Buffer.from(ids.hex(SALT_BYTES), "hex");
  const nonce = Buffer.from(ids.hex(NONCE_BYTES), "hex");
  const cipher = createCipheriv("aes-256-gcm", await keyOf(passphrase, salt), nonce);
  cipher.setAAD(Buffer.from(FORMAT));
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  const [saltText, nonceText, dataText] = [salt, nonce, data].map((bytes) => bytes.toString("base64"));
  return `${JSON.stringify({ format: FORMAT, kdf: "scrypt N=32768 r=8 p=1", salt: saltText, nonce: nonceText, data: dataText }, null, 2)}\n`;
}

/** null: the text is no such export, was changed, or has another passphrase. */
export async function unseal(sealed: string, passphrase: string): Promise<string | null> {
  const parts = partsOf(sealed);
  if (parts === null) return null;
  const { salt, nonce, data } = parts;
  const decipher = createDecipheriv("aes-256-gcm", await keyOf(passphrase, salt), nonce);
  decipher.setAAD(Buffer.from(FORMAT));
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(data.subarray(0, -TAG_BYTES)), decipher.final()]).toString("utf8");
  } catch {
    return null;
  }
}

const TAG_BYTES = 16;

function partsOf(sealed: string): { salt: Buffer; nonce: Buffer; data: Buffer } | null {
  let value: unknown;
  try {
    value = JSON.parse(sealed);
  } catch {
    return null;
  }
  if (!isTree(value) || value.format !== FORMAT) return null;
  const [salt, nonce, data] = [value.salt, value.nonce, value.data].map((text) =>
    Buffer.from(String(text), "base64"),
  );
  if (
    salt?.length !== SALT_BYTES ||
    nonce?.length !== NONCE_BYTES ||
    data === undefined ||
    data.length < TAG_BYTES
  )
    return null;
  return { salt, nonce, data };
}

function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), salt, KEY_BYTES, SCRYPT, (error, key) => {
      // Bun gives undefined for no error.
      if (error) reject(error);
      else resolve(key);
    });
  });
}
