/** The requests by which Google's services give access tokens, one kind after another as google-auth-library 10.9 sends them. */
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import type {
  AuthorizedUser,
  ExternalAccount,
  ServiceAccountKey,
} from "../../config/credentials/google-key.ts";
import { nodeCrypto } from "../../core/node-crypto.ts";
import type { OwnRequest, UpstreamRequestParts } from "../authorization.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** The longest life that Google gives a token without a change of policy. */
const LIFETIME_S = 3_600;

function formRequest(
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers: UpstreamRequestParts["headers"] = [],
): UpstreamRequestParts {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return {
    url,
    method: "POST",
    headers: [
      ["content-type", "application/x-www-form-urlencoded;charset=UTF-8"],
      ["accept", "application/json"],
      ...headers,
    ],
    body: Buffer.from(new URLSearchParams(given).toString()),
  };
}

/** There is no subject token to exchange; the message is for the operator. */
export class NoSubjectToken extends Error {}

/** RFC 7523: an assertion that the service account signs itself. */
export function serviceAccountRequest(
  account: ServiceAccountKey,
  key: KeyObject,
  nowMs: number,
): UpstreamRequestParts {
  const issuedAtS = Math.floor(nowMs / 1_000);
  const { private_key_id: kid, client_email: iss, token_uri: aud } = account;
  const header = { alg: "RS256", typ: "JWT", ...(kid === undefined ? {} : { kid }) };
  const claims = { iss, scope: SCOPE, aud, exp: issuedAtS + LIFETIME_S, iat: issuedAtS };
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = nodeCrypto().sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url");
  return formRequest(account.token_uri, {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: `${signed}.${signature}`,
  });
}

/** The key that signs, read once: that takes longer than a signature. */
export function signingKey({ private_key: pem }: ServiceAccountKey): KeyObject {
  return nodeCrypto().createPrivateKey(pem);
}

/** RFC 6749, section 6. */
export function refreshRequest(user: AuthorizedUser): UpstreamRequestParts {
  return formRequest(user.token_uri, {
    refresh_token: user.refresh_token,
    client_id: user.client_id,
    client_secret: user.client_secret,
    grant_type: "refresh_token",
  });
}

/** RFC 8693: a token of another provider of identities for one of Google's. */
export function exchangeRequest(account: ExternalAccount, subjectToken: string): UpstreamRequestParts {
  const { client_id: id, client_secret: secret = "", workforce_pool_user_project: userProject } = account;
  const basic = id === undefined ? null : Buffer.from(`${id}:${secret}`).toString("base64");
  return formRequest(
    account.token_url,
    {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience: account.audience,
      scope: SCOPE,
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token: subjectToken,
      subject_token_type: account.subject_token_type,
      options: basic === null && userProject !== undefined ? JSON.stringify({ userProject }) : undefined,
    },
    basic === null ? [] : [["authorization", `Basic ${basic}`]],
  );
}

/** A token of a service account for whoever may act for it. */
export function impersonationRequest(
  url: string,
  token: string,
  { lifetimeS = LIFETIME_S, delegates }: { lifetimeS?: number | undefined; delegates?: readonly string[] },
): UpstreamRequestParts {
  const named = delegates === undefined ? {} : { delegates };
  return {
    url,
    method: "POST",
    headers: [
      ["content-type", "application/json"],
      ["accept", "application/json"],
      ["authorization", `Bearer ${token}`],
    ],
    body: Buffer.from(JSON.stringify({ ...named, scope: [SCOPE], lifetime: `${lifetimeS}s` })),
  };
}

/** The address of the metadata server, which no name has to be looked up for. */
const METADATA_HOST = "169.254.169.254";

export function metadataRequest(host = METADATA_HOST): OwnRequest {
  return {
    isDirect: true,
    url: `http://${host}/computeMetadata/v1/instance/service-accounts/default/token`,
    method: "GET",
    headers: [["metadata-flavor", "Google"]],
    body: null,
  };
}
