// Google's token services: service accounts, logins of people, workload identity, impersonation and the metadata server. The
// name of an account may end in a fault, as a key may: `robot~expires=2`.

import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { type Fault, numberParam, parseFault, splitSuffix } from "../base/fault.ts";
import { isRecord, type JsonRecord } from "../base/json.ts";
import { geminiRefusal, Refusal } from "../base/refusal.ts";
import { scenarioReply } from "../scenarios/scenario.ts";
import { VERTEX_FAULTS, VERTEX_SCENARIOS } from "../scenarios/vertex.ts";

type Header = (name: string) => string | undefined;

export interface TokenArrival {
  readonly verb: string;
  readonly path: string;
  readonly body: string;
  /** The simulator's own address, which is the audience of assertions. */
  readonly origin: string;
  readonly nowMs: number;
  readonly header: Header;
}

/** Who a request to a model comes from. */
export interface GoogleCaller {
  /** The account with its fault; an API key as it is. */
  readonly subject: string;
  /** Thrown in place of an answer; undefined: the token is good. */
  readonly refusal: Refusal | undefined;
}

interface Issued {
  readonly subject: string;
  readonly expiresAtMs: number;
}

const LIFETIME_S = 3599;
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const IMPERSONATION = /^\/v1\/projects\/-\/serviceAccounts\/([^/@]+)@[^/]+:generateAccessToken$/;
const METADATA = "/computeMetadata/v1/instance/service-accounts/default/token";
const KEY_ID = "simulated0key";
const MAX_TOKENS = 100_000;

export class GoogleTokens {
  #pair: { readonly pem: string; readonly publicKey: KeyObject } | undefined;
  readonly #issued = new Map<string, Issued>();
  #count = 0;

  /** The JSON key of a service account, whose tokens come from this simulator. */
  serviceAccount(origin: string, name: string, project: string): JsonRecord {
    return {
      type: "service_account",
      project_id: project,
      private_key_id: KEY_ID,
      private_key: this.#keys().pem,
      client_email: `${name}@${project}.iam.gserviceaccount.com`,
      client_id: "100000000000000000000",
      auth_uri: "https://accounts.google.com/o/oauth2/auth",
      token_uri: `${origin}/token`,
      universe_domain: "googleapis.com",
    };
  }

  /** How many tokens were given since the start or the last reset. */
  get count(): number {
    return this.#count;
  }

  /** Takes all tokens back that were given so far. */
  revokeAll(): void {
    this.#issued.clear();
  }

  clear(): void {
    this.#issued.clear();
    this.#count = 0;
  }

  /** The answer of a token service; undefined: the path is none of them. Throws a refusal. */
  answer(arrival: TokenArrival): JsonRecord | undefined {
    const { verb, path, header } = arrival;
    if (verb === "GET" && path === METADATA) {
      if (header("metadata-flavor") !== "Google") {
        throw new Refusal(403, "Missing Metadata-Flavor:Google header.", { "content-type": "text/html" });
      }
      return this.#grant("metadata-server", arrival);
    }
    const impersonated = verb === "POST" ? IMPERSONATION.exec(path)?.[1] : undefined;
    if (impersonated !== undefined) {
      return this.#impersonate(decodeURIComponent(impersonated), arrival);
    }
    if (verb !== "POST" || (path !== "/token" && path !== "/v1/token")) {
      return undefined;
    }
    const form = new URLSearchParams(arrival.body);
    switch (form.get("grant_type")) {
      case JWT_BEARER:
        return this.#grant(this.#accountIn(form.get("assertion") ?? "", arrival), arrival);
      case "refresh_token":
        return this.#grant(requiredIn(form, "refresh_token"), arrival);
      case TOKEN_EXCHANGE:
        return this.#grant(requiredIn(form, "subject_token"), arrival);
      default:
        throw oauthRefusal("unsupported_grant_type", "Invalid grant_type: ");
    }
  }

  /** Reads the token or the API key of a request to a model. */
  caller(header: Header, nowMs: number): GoogleCaller {
    const token = /^Bearer +(.*)$/i.exec(header("authorization") ?? "")?.[1]?.trim();
    const apiKey = header("x-goog-api-key") ?? "";
    if (token === undefined) {
      return { subject: apiKey, refusal: apiKey === "" ? unauthenticated("CREDENTIALS_MISSING") : undefined };
    }
    const issued = this.#issued.get(token);
    if (issued === undefined || issued.expiresAtMs <= nowMs) {
      return { subject: issued?.subject ?? "", refusal: unauthenticated("ACCESS_TOKEN_EXPIRED") };
    }
    return { subject: issued.subject, refusal: undefined };
  }

  #keys(): { readonly pem: string; readonly publicKey: KeyObject } {
    if (this.#pair === undefined) {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", {
        modulusLength: 2048,
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
        publicKeyEncoding: { type: "spki", format: "pem" },
      });
      this.#pair = { pem: privateKey, publicKey: createPublicKey(publicKey) };
    }
    return this.#pair;
  }

  /** The account that has signed the assertion. Throws Google's refusal of a bad one. */
  #accountIn(assertion: string, { origin, nowMs }: TokenArrival): string {
    const [head = "", claims = "", signature = ""] = assertion.split(".");
    const signed = Buffer.from(`${head}.${claims}`);
    const { alg, kid } = decoded(head);
    const { iss, aud, scope, iat, exp } = decoded(claims);
    if (typeof iss !== "string" || alg !== "RS256") {
      throw oauthRefusal("invalid_grant", "Invalid JWT: Failed audience check.");
    }
    const isSigned = verify(
      "RSA-SHA256",
      signed,
      this.#keys().publicKey,
      Buffer.from(signature, "base64url"),
    );
    if (!isSigned || (kid !== undefined && kid !== KEY_ID)) {
      throw oauthRefusal("invalid_grant", "Invalid JWT Signature.");
    }
    // Some of Google's own clients name Google's address whatever `token_uri` says.
    if (aud !== `${origin}/token` && aud !== "https://oauth2.googleapis.com/token") {
      throw oauthRefusal("invalid_grant", "Invalid JWT: Failed audience check.");
    }
    if (scope !== SCOPE) {
      throw oauthRefusal("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
    }
    const isTimely =
      typeof iat === "number" &&
      typeof exp === "number" &&
      exp - iat <= 3600 &&
      iat * 1000 <= nowMs + 300_000 &&
      exp * 1000 > nowMs;
    if (!isTimely) {
      throw oauthRefusal(
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
      );
    }
    return iss.replace(/@.*$/, "");
  }

  #impersonate(account: string, arrival: TokenArrival): JsonRecord {
    const { refusal } = this.caller(arrival.header, arrival.nowMs);
    if (refusal !== undefined) {
      throw refusal;
    }
    const { access_token: accessToken, expires_in: expiresS } = this.#grant(account, arrival);
    const expireTime = new Date(arrival.nowMs + Number(expiresS) * 1000).toISOString();
    return { accessToken, expireTime };
  }

  #grant(subject: string, { nowMs }: TokenArrival): JsonRecord {
    const fault = parseFault(splitSuffix(subject).fault);
    throwScripted(fault, nowMs);
    const lifetimeS = numberParam(fault, "expires") ?? LIFETIME_S;
    if (this.#issued.size >= MAX_TOKENS) {
      this.#issued.clear();
    }
    this.#count += 1;
    const token = `ya29.simulated-${this.#count}-${Buffer.from(subject).toString("base64url")}`;
    this.#issued.set(token, { subject, expiresAtMs: nowMs + lifetimeS * 1000 });
    return { access_token: token, expires_in: lifetimeS, token_type: "Bearer" };
  }
}

function throwScripted(fault: Fault, nowMs: number): void {
  const scenarios: Readonly<Record<string, (typeof VERTEX_SCENARIOS)[keyof typeof VERTEX_SCENARIOS]>> =
    VERTEX_SCENARIOS;
  for (const name of fault.names) {
    const scenario = scenarios[VERTEX_FAULTS[name] ?? name];
    if (scenario !== undefined && "place" in scenario && scenario.place === "token") {
      throw scenarioReply(scenario, fault, "", nowMs);
    }
  }
}

function requiredIn(form: URLSearchParams, name: string): string {
  const value = form.get(name) ?? "";
  if (value === "") {
    throw oauthRefusal("invalid_request", `Missing required parameter: ${name}`);
  }
  return value;
}

function oauthRefusal(error: string, description: string): Refusal {
  return new Refusal(400, { error, error_description: description });
}

function unauthenticated(reason: string): Refusal {
  const detail = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason,
    domain: "googleapis.com",
    metadata: { service: "aiplatform.googleapis.com" },
  };
  return geminiRefusal(
    401,
    "UNAUTHENTICATED",
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    [detail],
  );
}

function decoded(part: string): JsonRecord {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
