/**
 * What Vertex AI is shown: an API key, or one of the forms of Google's credentials. The forms are those of the files that
 * Google gives out: https://google.aip.dev/auth/4110 and https://cloud.google.com/docs/authentication/application-default-credentials
 */

import * as v from "valibot";
import { nodeCrypto } from "../../core/node-crypto.ts";

/** In place of a key: the credentials of the machine, in the order in which Google's own clients look for them. */
export const APPLICATION_DEFAULT = "application-default";
/** In place of a key: the service account of the virtual machine, pod or service. */
export const METADATA_SERVER = "metadata-server";

/** Also with the domain that old ids begin with, as in `example.com:my-project`. */
export function isProjectId(id: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.:-]{0,98}[a-z0-9])?$/.test(id);
}

const text = v.pipe(v.string(), v.minLength(1));

const serviceAccount = v.object({
  type: v.literal("service_account"),
  client_email: text,
  private_key: text,
  private_key_id: v.optional(text),
  token_uri: v.optional(text, "https://oauth2.googleapis.com/token"),
  project_id: v.optional(v.pipe(v.string(), v.check(isProjectId))),
});

const authorizedUser = v.object({
  type: v.literal("authorized_user"),
  client_id: text,
  client_secret: text,
  refresh_token: text,
  token_uri: v.optional(text, "https://oauth2.googleapis.com/token"),
  quota_project_id: v.optional(text),
});

/** How a subject token is read in a file, or in a reply. */
const format = v.optional(
  v.union([
    v.object({ type: v.literal("text") }),
    v.object({ type: v.literal("json"), subject_token_field_name: text }),
  ]),
  { type: "text" },
);

const externalAccount = v.object({
  type: v.literal("external_account"),
  audience: text,
  subject_token_type: text,
  token_url: text,
  service_account_impersonation_url: v.optional(text),
  service_account_impersonation: v.optional(v.object({ token_lifetime_seconds: v.optional(v.number()) })),
  client_id: v.optional(text),
  client_secret: v.optional(v.string()),
  workforce_pool_user_project: v.optional(text),
  quota_project_id: v.optional(text),
  credential_source: v.union([
    v.object({ file: text, format }),
    v.object({ url: text, headers: v.optional(v.record(v.string(), v.string()), {}), format }),
    v.object({
      executable: v.object({
        command: text,
        timeout_millis: v.optional(v.pipe(v.number(), v.minValue(5_000), v.maxValue(120_000)), 30_000),
        output_file: v.optional(text),
      }),
    }),
  ]),
});

const impersonated = v.object({
  type: v.literal("impersonated_service_account"),
  service_account_impersonation_url: text,
  delegates: v.optional(v.array(text), []),
  source_credentials: v.variant("type", [serviceAccount, authorizedUser]),
  quota_project_id: v.optional(text),
});

const metadataServer = v.object({
  type: v.literal("metadata_server"),
  /** With its port, if it has one; absent: the usual address. */
  host: v.optional(text),
});

const googleKey = v.variant("type", [
  serviceAccount,
  authorizedUser,
  externalAccount,
  impersonated,
  metadataServer,
]);

export type ServiceAccountKey = v.InferOutput<typeof serviceAccount>;
export type AuthorizedUser = v.InferOutput<typeof authorizedUser>;
export type ExternalAccount = v.InferOutput<typeof externalAccount>;
export type GoogleKey = v.InferOutput<typeof googleKey>;

/** What a credential of the metadata server is kept as. `host`: undefined for the usual one. */
export function metadataKey(host: string | undefined): string {
  return JSON.stringify({ type: "metadata_server", host });
}

/** Whether the credentials come from a program. */
export function runsProgram(key: GoogleKey | null): boolean {
  return key?.type === "external_account" && "executable" in key.credential_source;
}

/** The credentials in a checked secret; null: the secret is an API key. */
export function googleKeyIn(secret: string): GoogleKey | null {
  return isGoogleJson(secret) ? v.parse(googleKey, JSON.parse(secret)) : null;
}

/** No API key begins so. */
export function isGoogleJson(secret: string): boolean {
  return secret.trimStart().startsWith("{");
}

/** The project that the credentials name; null: they name none. */
export function projectOf(key: GoogleKey | null): string | null {
  return key?.type === "service_account" ? (key.project_id ?? null) : null;
}

export interface KeyFault {
  readonly message: string;
  readonly repair: string;
}

/**
 * Why the JSON cannot be used; null: it can. `isFromFile`: it stands in a file of this machine, which may hold more than the
 * key of a service account. `ownOrigin`: an origin that may give tokens as Google's hosts do; null: there is none.
 */
export function faultOfGoogleJson(
  json: string,
  isFromFile: boolean,
  ownOrigin: string | null,
): KeyFault | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return { message: "is not valid JSON", repair: "use the whole file that Google gave out" };
  }
  const read = v.safeParse(googleKey, parsed);
  if (!read.success) return shapeFault(parsed, read.issues[0]);
  const { output: key } = read;
  if (!isFromFile && key.type !== "service_account") {
    return {
      message: `holds credentials of type ${key.type}, which are taken from a file alone`,
      repair: 'name the file: api_key = "file:PATH"',
    };
  }
  return findUrlFault(key, ownOrigin) ?? findPrivateKeyFault(key);
}

function shapeFault(parsed: unknown, issue: v.BaseIssue<unknown>): KeyFault {
  const type = typeof parsed === "object" && parsed !== null && "type" in parsed ? parsed.type : undefined;
  const path = v.getDotPath(issue) ?? "";
  if (path === "type" || path === "") {
    return {
      message: type === undefined ? 'has no "type"' : "holds credentials of a type that is not known",
      repair: "use the JSON key of a service account, or a file that gcloud wrote",
    };
  }
  if (path.startsWith("credential_source")) {
    return {
      message: "names a credential_source that is not supported",
      repair: "file, url and executable are; for AWS use a service account or the metadata server",
    };
  }
  return { message: `has no good "${path}"`, repair: "use the whole file that Google gave out" };
}

/** All addresses that get a secret: each must be Google's. Where a subject token is read is the machine's own business. */
function secretUrlsOf(key: GoogleKey): readonly (readonly [name: string, url: string])[] {
  switch (key.type) {
    case "service_account":
    case "authorized_user":
      return [["token_uri", key.token_uri]];
    case "external_account": {
      const { token_url: tokenUrl, service_account_impersonation_url: url } = key;
      const impersonation = url === undefined ? [] : [["service_account_impersonation_url", url] as const];
      return [["token_url", tokenUrl], ...impersonation];
    }
    case "impersonated_service_account":
      return [
        ["service_account_impersonation_url", key.service_account_impersonation_url],
        ["source_credentials.token_uri", key.source_credentials.token_uri],
      ];
    case "metadata_server":
      return [];
  }
}

function findUrlFault(key: GoogleKey, ownOrigin: string | null): KeyFault | null {
  for (const [name, text] of secretUrlsOf(key)) {
    const url = URL.parse(text);
    if (url !== null && (isGoogles(url) || url.origin === ownOrigin)) continue;
    return {
      message: `has a "${name}" that is not an https URL of a host of Google's`,
      repair: "use the file as Google gave it out",
    };
  }
  return null;
}

/** The host of old keys beside the hosts of Google's APIs. */
function isGoogles({ protocol, hostname, port, username }: URL): boolean {
  const isHost = hostname.endsWith(".googleapis.com") || hostname === "accounts.google.com";
  return protocol === "https:" && isHost && port === "" && username === "";
}

function findPrivateKeyFault(key: GoogleKey): KeyFault | null {
  const account = key.type === "impersonated_service_account" ? key.source_credentials : key;
  if (account.type !== "service_account") return null;
  try {
    if (nodeCrypto().createPrivateKey(account.private_key).asymmetricKeyType === "rsa") return null;
  } catch {
    // Its text is no key at all.
  }
  return {
    message: 'has a "private_key" that is not an RSA key in PEM',
    repair: "use the whole file that Google gave out; its \\n must stay as they are",
  };
}
