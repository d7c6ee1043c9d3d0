// Requests for tokens, beside those of the library that Google's own clients use.
import { expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GoogleAuth } from "google-auth-library";
import type { UpstreamRequestParts } from "../authorization.ts";
import { openGoogleSecret } from "./google-secret.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN = { access_token: "ya29.token", expires_in: 3_599, token_type: "Bearer" };
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

const SERVICE_ACCOUNT = {
  type: "service_account",
  project_id: "p",
  private_key_id: "key-id",
  private_key: privateKey,
  client_email: "robot@p.iam.gserviceaccount.com",
  client_id: "1",
  token_uri: "https://oauth2.googleapis.com/token",
};
const USER = {
  type: "authorized_user",
  client_id: "id.apps.googleusercontent.com",
  client_secret: "secret",
  refresh_token: "1//refresh",
};
const external = (more: object): object => ({
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  ...more,
});
const IMPERSONATION =
  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/robot@p.iam.gserviceaccount.com:generateAccessToken";

interface Shown {
  readonly url: string;
  readonly method: string;
  readonly authorization: string | null;
  readonly type: string | null;
  readonly body: unknown;
}

/** A form by its fields, with the claims of an assertion in its place; JSON as it is. */
function bodyOf(text: string, type: string | null): unknown {
  if (text === "") return null;
  if (type?.startsWith("application/json")) return JSON.parse(text);
  const fields = Object.fromEntries(new URLSearchParams(text));
  const { assertion } = fields;
  if (assertion === undefined) return fields;
  const [head = "", claims = "", signature = ""] = assertion.split(".");
  const key = createPublicKey(publicKey);
  const isSigned = verify(
    "RSA-SHA256",
    Buffer.from(`${head}.${claims}`),
    key,
    Buffer.from(signature, "base64url"),
  );
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  const { iat, exp, ...rest } = read(claims);
  // google-auth-library for Node.js leaves out the two members that the other libraries of Google's have.
  const { typ: _typ, kid: _kid, ...header } = read(head);
  return { ...fields, assertion: { header, claims: rest, lifetimeS: exp - iat, isSigned } };
}

function answerTo(url: string): object {
  const isImpersonation = url.endsWith(":generateAccessToken");
  return isImpersonation
    ? { accessToken: "ya29.robot", expireTime: new Date(Date.now() + 3_600_000).toISOString() }
    : TOKEN;
}

async function asGoogleDoes(credentials: object): Promise<readonly Shown[]> {
  const shown: Shown[] = [];
  const fetchImplementation = async (url: string | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(String(url), init);
    const type = request.headers.get("content-type");
    shown.push({
      url: request.url,
      method: request.method,
      authorization: request.headers.get("authorization"),
      type,
      body: bodyOf(await request.text(), type),
    });
    return Response.json(answerTo(request.url));
  };
  const auth = new GoogleAuth({
    credentials,
    scopes: [SCOPE],
    clientOptions: { transporterOptions: { fetchImplementation: fetchImplementation as typeof fetch } },
  });
  const client = await auth.getClient();
  // The library exchanges tokens by a client of its own, which takes no other way.
  const { stsCredential } = client as unknown as { stsCredential?: { transporter: unknown } };
  if (stsCredential !== undefined) stsCredential.transporter = client.transporter;
  await client.getAccessToken();
  return shown;
}

async function asClewlineDoes(credentials: object): Promise<readonly Shown[]> {
  const shown: Shown[] = [];
  const send = async ({ url, method, headers, body }: UpstreamRequestParts) => {
    const lines = new Headers(headers as [string, string][]);
    const type = lines.get("content-type");
    shown.push({
      url,
      method,
      authorization: lines.get("authorization"),
      type,
      body: bodyOf(body === null ? "" : Buffer.from(body).toString(), type),
    });
    return { status: 200, headers: new Headers(), body: JSON.stringify(answerTo(url)) };
  };
  const clock = { nowMs: () => 1_790_000_000_000, monotonicMs: () => 0 };
  await openGoogleSecret(JSON.stringify(credentials)).refresh?.(send, clock);
  return shown;
}

let folder = "";

test.each([
  ["a service account", SERVICE_ACCOUNT],
  ["a person's login", USER],
  ["workload identity by a file", external({ credential_source: { file: "TOKEN_FILE" } })],
  [
    "workload identity by a member of a file, for a service account",
    external({
      credential_source: { file: "JSON_FILE", format: { type: "json", subject_token_field_name: "token" } },
      service_account_impersonation_url: IMPERSONATION,
      service_account_impersonation: { token_lifetime_seconds: 1_800 },
    }),
  ],
  [
    "workload identity by an address, with a client",
    external({
      credential_source: {
        url: "http://169.254.0.1/token",
        format: { type: "json", subject_token_field_name: "access_token" },
      },
      client_id: "id",
      client_secret: "secret",
    }),
  ],
])("%s is asked for as google-auth-library does", async (_, credentials) => {
  folder = await mkdtemp(join(tmpdir(), "clewline-tokens-"));
  await writeFile(join(folder, "token"), "subject-token");
  await writeFile(join(folder, "token.json"), '{"token":"subject-token"}');
  const text = JSON.stringify(credentials)
    .replace("TOKEN_FILE", join(folder, "token"))
    .replace("JSON_FILE", join(folder, "token.json"));
  const named = JSON.parse(text) as object;
  try {
    const [ours, theirs] = [await asClewlineDoes(named), await asGoogleDoes(named)];
    expect(ours.length).toBeGreaterThan(0);
    expect(ours).toEqual([...theirs]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
