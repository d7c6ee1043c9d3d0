/**
 * The token by which another provider of identities vouches for this machine: from a file, an address of the machine, or a
 * program that the configuration allows. https://google.aip.dev/auth/4117
 */
import { homedir } from "node:os";
import * as v from "valibot";
import type { ExternalAccount } from "../../config/credentials/google-key.ts";
import type { Clock } from "../../core/clock.ts";
import { readRegularFile } from "../../core/files/regular-file.ts";
import { isObject } from "../../core/json.ts";
import type { SendText } from "../authorization.ts";
import { NoSubjectToken } from "./token-request.ts";

const MAX_TOKEN_BYTES = 64 * 1024;

type Source = ExternalAccount["credential_source"];
type FileSource = Extract<Source, { file: string }>;
type Program = Extract<Source, { executable: unknown }>["executable"];

/** Rejects with `NoSubjectToken`. */
export async function getSubjectToken(
  account: ExternalAccount,
  send: SendText,
  clock: Clock,
): Promise<string> {
  const { credential_source: source } = account;
  if ("file" in source) return inFormat(await readFile(source.file), source.format);
  if ("url" in source) {
    const headers = Object.entries(source.headers);
    const request = { url: source.url, method: "GET", headers, body: null };
    // Clouds give such tokens at an address of the machine's own link.
    const isOfLink = URL.parse(source.url)?.hostname.startsWith("169.254.") === true;
    const reply = await send(isOfLink ? { ...request, isDirect: true } : request);
    if (reply.status !== 200)
      throw new NoSubjectToken(`the address of the subject token answers ${reply.status}`);
    return inFormat(reply.body, source.format);
  }
  return await tokenOfProgram(account, source.executable, clock);
}

async function readFile(path: string): Promise<string> {
  try {
    const read = await readRegularFile(path, MAX_TOKEN_BYTES);
    if (read.ok) return new TextDecoder().decode(read.bytes);
  } catch {
    // Told as a file that is none.
  }
  throw new NoSubjectToken("the file of the subject token cannot be read");
}

function inFormat(text: string, format: FileSource["format"]): string {
  const token = format.type === "text" ? text.trim() : memberOf(text, format.subject_token_field_name);
  if (typeof token !== "string" || token === "") throw new NoSubjectToken("the subject token is empty");
  return token;
}

function memberOf(text: string, name: string): unknown {
  const parsed = parse(text);
  return isObject(parsed) ? parsed[name] : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What a program prints. */
const printed = v.variant("success", [
  v.object({
    version: v.literal(1),
    success: v.literal(true),
    token_type: v.string(),
    id_token: v.optional(v.string()),
    saml_response: v.optional(v.string()),
    expiration_time: v.optional(v.number()),
  }),
  v.object({ version: v.literal(1), success: v.literal(false), code: v.string() }),
]);

/** The program's own earlier answer, if it keeps one and that is still good; else a new one. */
async function tokenOfProgram(account: ExternalAccount, program: Program, clock: Clock): Promise<string> {
  const kept =
    program.output_file === undefined ? null : await readFile(program.output_file).catch(() => null);
  const keptToken = kept === null ? null : tokenIn(kept, clock);
  if (keptToken !== null) return keptToken;
  const token = tokenIn(await run(account, program), clock);
  if (token === null) throw new NoSubjectToken("the program gave no subject token that is good");
  return token;
}

function tokenIn(text: string, clock: Clock): string | null {
  const read = v.safeParse(printed, parse(text));
  if (!read.success || !read.output.success) return null;
  const { expiration_time: expiresS, id_token: id, saml_response: saml, token_type: type } = read.output;
  if (expiresS !== undefined && expiresS * 1_000 <= clock.nowMs()) return null;
  return (type === "urn:ietf:params:oauth:token-type:saml2" ? saml : id) ?? null;
}

/** The gateway's own variables hold secrets, so the program gets none of them. */
async function run(account: ExternalAccount, program: Program): Promise<string> {
  const { execFile } = await import("node:child_process");
  const [command = "", ...args] = wordsOf(program.command);
  const email = /serviceAccounts\/([^:/]+):/.exec(account.service_account_impersonation_url ?? "")?.[1];
  const env = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: homedir(),
    GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE: account.audience,
    GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE: account.subject_token_type,
    GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE: "0",
    ...(program.output_file === undefined
      ? {}
      : { GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE: program.output_file }),
    ...(email === undefined ? {} : { GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL: email }),
  };
  const options = { env, timeout: program.timeout_millis, maxBuffer: MAX_TOKEN_BYTES };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, out) => {
      if (error === null) resolve(out);
      else reject(new NoSubjectToken("the program of the credentials failed, or took too long"));
    });
  });
}

/** Words are parted by spaces; quotes keep a word together. */
function wordsOf(command: string): string[] {
  return (command.match(/(?:[^\s"]+|"[^"]*")+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, "$1"));
}
