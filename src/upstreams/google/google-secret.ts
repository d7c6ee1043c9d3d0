/** Google's credentials, ready to authorize requests: an API key as it is, all others by access tokens. */
import { type GoogleKey, googleKeyIn } from "../../config/credentials/google-key.ts";
import type { Clock } from "../../core/clock.ts";
import type { HeaderLines } from "../../core/header-view.ts";
import { isObject } from "../../core/json.ts";
import {
  AccessRefused,
  type AccessToken,
  type OpenSecret,
  type OwnRequest,
  type SendText,
  type TextReply,
} from "../authorization.ts";
import { signalOfTokenRefusal } from "../evidence/google-token-refusals.ts";
import {
  exchangeRequest,
  impersonationRequest,
  metadataRequest,
  NoSubjectToken,
  refreshRequest,
  serviceAccountRequest,
  signingKey,
} from "./token-request.ts";

type GetToken = (send: SendText, clock: Clock) => Promise<AccessToken>;

/** `secret`: as the configuration has checked it. */
export function openGoogleSecret(secret: string): OpenSecret {
  const key = googleKeyIn(secret);
  if (key === null) {
    const lines: HeaderLines = [["x-goog-api-key", secret]];
    return { secrets: [secret], authorize: () => lines };
  }
  const billed: HeaderLines = userProjectLines(key);
  const getToken = tokensOf(key);
  return {
    secrets: [secret, ...secretsIn(key)],
    refresh: async (send, clock) => {
      try {
        return await getToken(send, clock);
      } catch (cause) {
        throw asRefusal(cause);
      }
    },
    authorize: (_request, token) => [["authorization", `Bearer ${token}`], ...billed],
  };
}

/** What is not a refusal of the credential: the token service could not be reached, or made no sense. */
function asRefusal(cause: unknown): AccessRefused {
  if (cause instanceof AccessRefused) return cause;
  if (cause instanceof NoSubjectToken)
    return new AccessRefused({ class: "config", reason: cause.message, isStatement: true }, 400);
  const reason = cause instanceof Error ? cause.message : "no reply";
  return new AccessRefused({ class: "overload", reason: `no token could be got: ${reason}` }, 503);
}

/** Whose quota a person's own login uses. */
function userProjectLines(key: GoogleKey): HeaderLines {
  const project = "quota_project_id" in key ? key.quota_project_id : undefined;
  return project === undefined ? [] : [["x-goog-user-project", project]];
}

function secretsIn(key: GoogleKey): readonly string[] {
  switch (key.type) {
    case "service_account":
      return [key.private_key];
    case "authorized_user":
      return [key.client_secret, key.refresh_token];
    case "impersonated_service_account":
      return secretsIn(key.source_credentials);
    case "external_account":
      return key.client_secret === undefined || key.client_secret === "" ? [] : [key.client_secret];
    case "metadata_server":
      return [];
  }
}

function tokensOf(key: GoogleKey): GetToken {
  switch (key.type) {
    case "service_account": {
      const signer = signingKey(key);
      return async (send, clock) => await ask(send, serviceAccountRequest(key, signer, clock.nowMs()), clock);
    }
    case "authorized_user":
      return async (send, clock) => await ask(send, refreshRequest(key), clock);
    case "metadata_server":
      return async (send, clock) => await ask(send, metadataRequest(key.host), clock);
    case "impersonated_service_account": {
      const source = tokensOf(key.source_credentials);
      const { service_account_impersonation_url: url, delegates } = key;
      return async (send, clock) => {
        const { value } = await source(send, clock);
        return await ask(send, impersonationRequest(url, value, { delegates }), clock);
      };
    }
    case "external_account": {
      const { service_account_impersonation_url: url, service_account_impersonation: wish } = key;
      return async (send, clock) => {
        const { getSubjectToken } = await import("./subject-token.ts");
        const token = await ask(send, exchangeRequest(key, await getSubjectToken(key, send, clock)), clock);
        if (url === undefined) return token;
        const lifetimeS = wish?.token_lifetime_seconds;
        return await ask(send, impersonationRequest(url, token.value, { lifetimeS }), clock);
      };
    }
  }
}

/** Tokens of the services that do not say how long they live. */
const USUAL_LIFETIME_MS = 3_600_000;

async function ask(send: SendText, request: OwnRequest, clock: Clock): Promise<AccessToken> {
  const reply = await send(request);
  if (reply.status !== 200)
    throw new AccessRefused(signalOfTokenRefusal(reply.status, reply.body), reply.status);
  const said = parse(reply.body);
  // The API of service accounts writes its members in camel case.
  const value = said.access_token ?? said.accessToken;
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
    throw new AccessRefused({ class: "overload", reason: "Google's token service sent no token" }, 502);
  }
  return { value, lifetimeMs: lifetimeOf(said, reply, clock) };
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(body);
    return isObject(said) ? said : {};
  } catch {
    return {};
  }
}

/** An absolute end counts from the service's own time, because the clock of this machine may be wrong. */
function lifetimeOf(
  { expires_in: inS, expireTime: end }: Readonly<Record<string, unknown>>,
  { headers }: TextReply,
  clock: Clock,
): number {
  if (typeof inS === "number" && inS >= 0) return inS * 1_000;
  const endMs = typeof end === "string" ? Date.parse(end) : Number.NaN;
  if (Number.isNaN(endMs)) return USUAL_LIFETIME_MS;
  const theirsMs = Date.parse(headers.get("date") ?? "");
  return Math.max(0, endMs - (Number.isNaN(theirsMs) ? clock.nowMs() : theirsMs));
}
