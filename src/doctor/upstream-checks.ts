/** Whether each upstream can be reached by each way that its credentials have, takes each key, and lists its models. */

import { proxyFor } from "../config/network/proxy-for.ts";
import { isKeyless } from "../config/upstreams/keyless.ts";
import { isIP } from "../core/addresses/ip-address.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { silentLog } from "../core/log.ts";
import { suggest } from "../core/nearest.ts";
import { sendOwnGet } from "../proxy/attempt/own-call.ts";
import type { CredentialView, Snapshot, UpstreamView } from "../snapshot.ts";
import type { Transport } from "../transport/call.ts";
import { replyOf, type SmallReply } from "../transport/small-call.ts";
import { AccessRefused } from "../upstreams/authorization.ts";
import { parseModelList } from "../upstreams/model-list.ts";
import { type Finding, good, problem, problemOf, warning } from "./finding.ts";

const REPLY_TIMEOUT_MS = 30_000;
const MAX_LIST_BYTES = 8 * 1024 * 1024;
/** The upstream chooses how long its list is, and the gateway itself may be the one that looks. */
const MAX_CANDIDATES = 1_000;
const MAX_SUGGESTIONS = 4;
const LOOK_UP = "check the name";
const DAY_MS = 86_400_000;
/** Most authorities renew certificates earlier. */
const CERTIFICATE_WARNING_DAYS = 14;
/** Certificates, signatures and tokens of providers allow for a few minutes. */
const CLOCK_WARNING_MS = 60_000;
const CLOCK_PROBLEM_MS = 300_000;

export interface UpstreamChecks {
  readonly snapshot: Snapshot;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** What was found, and how far the clock here is before the provider's; null: nobody told the time. */
interface Examined {
  readonly findings: readonly Finding[];
  readonly skewMs: number | null;
}

/** In the order of the configuration. `only`: the name of the one upstream that is asked; null: all. */
export async function examineUpstreams(
  checks: UpstreamChecks,
  only: string | null,
): Promise<readonly Finding[]> {
  const upstreams = [...checks.snapshot.upstreams.values()].filter(
    ({ name }) => only === null || name === only,
  );
  const examined = await Promise.all(upstreams.map((upstream) => examineUpstream(checks, upstream)));
  const skews = examined.flatMap(({ skewMs }) => (skewMs === null ? [] : [skewMs]));
  return [...examined.flatMap(({ findings }) => findings), ...clockFindings(skews)];
}

/** One server alone may have a wrong clock, so the one that agrees best counts. */
function clockFindings(skews: readonly number[]): readonly Finding[] {
  const least = skews.toSorted((a, b) => Math.abs(a) - Math.abs(b))[0];
  if (least === undefined) return [];
  const seconds = Math.round(Math.abs(least) / 1_000);
  if (Math.abs(least) < CLOCK_WARNING_MS)
    return [good("clock", "", "the clock agrees with those of the providers")];
  const message = `the clock is ${seconds} s ${least > 0 ? "ahead of" : "behind"} those of the providers`;
  const repair = "let the system keep the time, as systemd-timesyncd, chrony or w32time do";
  const level = Math.abs(least) < CLOCK_PROBLEM_MS ? warning : problem;
  return [level("clock", "", message, repair)];
}

/** A place and a way to it, which credentials may share. */
type Way = Pick<CredentialView, "baseUrl" | "via">;

function wayOf({ baseUrl, via }: Way): string {
  return `${baseUrl} ${via.key}`;
}

async function examineUpstream(checks: UpstreamChecks, upstream: UpstreamView): Promise<Examined> {
  const credentials = [...upstream.credentials.values()];
  const ways = [...new Map(credentials.map((credential) => [wayOf(credential), credential])).values()];
  const findings: Finding[] = [...(await nameFindings(checks, upstream, ways))];
  const reached = new Map<string, boolean>();
  for (const way of ways) {
    const found = await connectionFindings(checks, upstream, way, ways.length > 1);
    reached.set(
      wayOf(way),
      found.every(({ level }) => level !== "problem"),
    );
    findings.push(...found);
  }
  const lists: Listed[] = await Promise.all(
    credentials
      // The callers bring their own, and the gateway has none to ask with.
      .filter(() => !upstream.callerCredentials)
      .filter((credential) => reached.get(wayOf(credential)) === true)
      .map((credential) => listOf(checks, upstream, credential)),
  );
  findings.push(...lists.map(({ finding }) => finding));
  const listed = lists.find(({ models }) => models !== null)?.models ?? null;
  if (listed !== null) findings.push(...targetFindings(checks, upstream, listed));
  return { findings, skewMs: lists.find(({ skewMs }) => skewMs !== null)?.skewMs ?? null };
}

/** Only of names that are looked up on this machine. */
async function nameFindings(
  { transport }: UpstreamChecks,
  { name }: UpstreamView,
  ways: readonly Way[],
): Promise<readonly Finding[]> {
  const hosts = new Set(ways.flatMap((way) => lookedUpHere(way) ?? []));
  return await Promise.all(
    [...hosts].map(async (host) => {
      try {
        const { length } = await transport.dial.lookUp(host);
        const addresses = length === 1 ? "one address" : `${length} addresses`;
        return good("name", name, `the name ${host} leads to ${addresses}`);
      } catch {
        const repair = "check the base_url, and the resolver of this machine";
        return problem("name", name, `nobody knows the name ${host}`, repair);
      }
    }),
  );
}

/** null: it is an address, or the proxy on the way looks it up. */
function lookedUpHere({ baseUrl, via }: Way): string | null {
  const { hostname, port, protocol } = new URL(baseUrl);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isSecure = protocol === "https:";
  const proxy = proxyFor(via, host, port === "" ? (isSecure ? 443 : 80) : Number(port), isSecure);
  return isIP(host) === 0 && (proxy === null || proxy.kind === "socks5") ? host : null;
}

async function connectionFindings(
  { transport, clock }: UpstreamChecks,
  { name, connectTimeoutMs }: UpstreamView,
  { baseUrl, via }: Way,
  hasOthers: boolean,
): Promise<readonly Finding[]> {
  try {
    const { tookMs, proxy, tls } = await transport.dial.probe(baseUrl, via, connectTimeoutMs);
    const way = proxy === null ? (hasOthers ? " directly" : "") : ` through ${proxy}`;
    const version = tls === null ? "" : `, ${tls.version}`;
    const reached = good("connection", name, `reached${way} in ${Math.round(tookMs)} ms${version}`);
    const endsMs = tls?.certificateEndsMs ?? null;
    if (endsMs === null) return [reached];
    const days = Math.floor((endsMs - clock.nowMs()) / DAY_MS);
    if (days >= CERTIFICATE_WARNING_DAYS) return [reached];
    const message = `the certificate of the upstream ends in ${days} days`;
    return [reached, warning("certificate", name, message, "have its operator renew it")];
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    return [problemOf("connection", name, cause)];
  }
}

interface Listed {
  readonly finding: Finding;
  /** null: there is no list. */
  readonly models: readonly string[] | null;
  readonly skewMs: number | null;
}

async function listOf(
  { snapshot, transport, clock }: UpstreamChecks,
  upstream: UpstreamView,
  credential: CredentialView,
): Promise<Listed> {
  // The first list proves the key as well as all of them.
  const [path = ""] = upstream.family.modelLists;
  try {
    const url = credential.urls.urlOf(path, "", false);
    const call = sendOwnGet(
      { transport, clock, log: silentLog },
      upstream,
      credential,
      url,
      REPLY_TIMEOUT_MS,
    );
    const reply = await replyOf(call, { timeoutMs: REPLY_TIMEOUT_MS, limitBytes: MAX_LIST_BYTES });
    const atMs = Date.parse(reply.headers.get("date") ?? "");
    const skewMs = Number.isNaN(atMs) ? null : clock.nowMs() - atMs;
    const found = readList(upstream, credential, reply, clock.nowMs(), hasNoKey(snapshot, upstream));
    return { ...found, skewMs };
  } catch (cause) {
    return { finding: failureOf(credential, cause), models: null, skewMs: null };
  }
}

/** The server is near, and its upstream has no credential of its own. */
function hasNoKey({ config }: Snapshot, { name }: UpstreamView): boolean {
  return config.upstreams.some((one) => one.name === name && one.credentials.some(isKeyless));
}

function failureOf({ id }: CredentialView, cause: unknown): Finding {
  if (cause instanceof GatewayError) return problemOf("key", id, cause);
  if (!(cause instanceof AccessRefused)) throw cause;
  const { reason } = cause.signal;
  return problem(
    "key",
    id,
    `the provider gives no access for the key (${reason})`,
    "replace the key, or what it stands for",
  );
}

function readList(
  upstream: UpstreamView,
  { id }: CredentialView,
  { status, headers, text }: SmallReply,
  nowMs: number,
  isKeyless: boolean,
): Omit<Listed, "skewMs"> {
  if (status === 200) {
    const models = parseModelList(text).map((model) => model.id);
    const message = goodListText(models.length, isKeyless);
    return { finding: good("key", id, message), models: models.length === 0 ? null : models };
  }
  if (isKeyless && (status === 401 || status === 403))
    return refused(
      problem(
        "key",
        id,
        `the upstream wants a key, and has none here (status ${status})`,
        "add [[upstreams.credentials]] with a name and an api_key to the upstream",
      ),
    );
  const { family, profile } = upstream;
  const signal = family.classify({ status, headers, body: text, nowMs, model: "" }, profile);
  const reason = signal.class === "ok" ? "" : `, ${signal.reason}`;
  const said = `the upstream answers the question for its models with status ${status}${reason}`;
  if (signal.class === "invalid" || status === 401)
    return refused(
      problem(
        "key",
        id,
        `the upstream refuses the key (status ${status}${reason})`,
        "write a key that it takes into api_key",
      ),
    );
  if (status === 404 || status === 405)
    return refused(
      warning("models", id, said, "check the base_url, unless the server has no list of models"),
    );
  if (status >= 300 && status < 400)
    return refused(
      problem("models", id, `${said}, a redirect`, "write the address that it leads to as base_url"),
    );
  const repair =
    status === 429
      ? "wait, or raise the limit there"
      : "look at the provider's status, and at the account of the key";
  return refused(
    status === 403 || signal.class === "credit" || signal.class === "config"
      ? problem("key", id, said, repair)
      : warning("models", id, said, repair),
  );
}

function goodListText(count: number, isKeyless: boolean): string {
  if (count === 0)
    return isKeyless
      ? "no key is needed, and no model is listed"
      : "the key is taken, and no model is listed";
  if (count === 1)
    return isKeyless ? "no key is needed; one model is listed" : "the key is taken; one model is listed";
  return isKeyless
    ? `no key is needed; ${count} models are listed`
    : `the key is taken; ${count} models are listed`;
}

function refused(finding: Finding): Omit<Listed, "skewMs"> {
  return { finding, models: null };
}

/** Names in `[[models]]` that the upstream does not list. */
function targetFindings(
  { snapshot }: UpstreamChecks,
  { name }: UpstreamView,
  listed: readonly string[],
): readonly Finding[] {
  const prefix = `${name}/`;
  const targets = new Set(
    snapshot.config.models.flatMap((model) => [...model.targets, ...model.onOverflow, ...model.onRefusal]),
  );
  const names = new Set(listed);
  const missing = [...targets]
    .filter((target) => target.startsWith(prefix))
    .map((target) => target.slice(prefix.length))
    .filter((model) => !model.includes("*") && !names.has(model));
  const candidates = listed.slice(0, MAX_CANDIDATES);
  return missing.map((model, n) => {
    const message = `the model "${model}" of [[models]] is not in the upstream's list`;
    const repair = n < MAX_SUGGESTIONS ? suggest(model, candidates, LOOK_UP) : LOOK_UP;
    return warning("models", name, message, repair);
  });
}
