// A server in place of the providers: four dialects, as strict as the real providers, and failures on
// request.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Ids } from "../../core/ids.ts";
import { makeAnswer } from "../answer/answer.ts";
import { PromptCache } from "../answer/prompt-cache.ts";
import type { SimRequest } from "../answer/request.ts";
import { Script } from "../answer/script.ts";
import {
  type Fault,
  FaultCounter,
  mergeFaults,
  NO_FAULT,
  numberParam,
  parseFault,
  splitSuffix,
} from "../base/fault.ts";
import { asString, isRecord } from "../base/json.ts";
import { Refusal } from "../base/refusal.ts";
import type { Reply } from "../base/reply.ts";
import { ResponseStore } from "../openai-responses/store.ts";
import type { Persona } from "../personas/persona.ts";
import { personaAt } from "../personas/personas.ts";
import { scenarioReply } from "../scenarios/scenario.ts";
import { makersRequest } from "../vertex/rules.ts";
import { GoogleTokens } from "../vertex/tokens.ts";
import {
  type Arrival,
  badJson,
  notFound,
  type ParsedBody,
  parseBody,
  readBody,
  tooLarge,
} from "./arrival.ts";
import { keyOf, requireKey } from "./auth.ts";
import { Bill, type BillView, markerIn } from "./bill.ts";
import { helpPage } from "./help-page.ts";
import { replyTo } from "./methods.ts";
import { Recorder, type SeenRequest } from "./recorder.ts";
import { guessVendor, matchRoute, type Route } from "./route.ts";
import { checkedRequest } from "./rules.ts";
import { inBandError, personaRoute, scenarioOf, throwScripted } from "./scripted.ts";
import { Sender } from "./sender.ts";
import { vendorHeaders } from "./vendor-headers.ts";

export interface SimulatorOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Called with one line for each request. */
  readonly log?: (line: string) => void;
}

export interface Simulator {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** The requests after the request with this number; all requests by default. */
  requests(since?: number): readonly SeenRequest[];
  /** The body of the request `back` requests before the last one; undefined if the body was dropped. */
  lastBody(back?: number): Uint8Array | undefined;
  /** What every caller has to pay since the start or the last reset. */
  bill(): BillView;
  /** The JSON key of a service account of Vertex AI. The name may end in a fault, as a key may. */
  serviceAccount(name?: string): string;
  /** How many access tokens were given since the start or the last reset. */
  tokensGiven(): number;
  /** Takes back all access tokens that were given so far. */
  revokeTokens(): void;
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 600_000;
/** Of service accounts that name no other. */
const PROJECT = "simulated";

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0 } = options;
  const simulated = new SimulatorServer(options);
  const server = createServer((request, response) => {
    simulated.serve(request, response).catch((error: unknown) => {
      options.log?.(`simulator: ${error instanceof Error ? error.stack : String(error)}`);
      response.destroy();
    });
  });
  // Longer than a gateway keeps an idle connection, so that the gateway closes first.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const hostName = host.includes(":") ? `[${host}]` : host;
  const url = `http://${hostName}:${address.port}`;
  return {
    url,
    port: address.port,
    requests: (since = 0) => simulated.recorder.since(since),
    lastBody: (back = 0) => simulated.recorder.body(back),
    bill: () => simulated.bill.view(),
    serviceAccount: (name = "robot") => JSON.stringify(simulated.google.serviceAccount(url, name, PROJECT)),
    tokensGiven: () => simulated.google.count,
    revokeTokens: () => simulated.google.revokeAll(),
    close: () => close(server),
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}

/** Serves requests, and holds the state that outlives a request. */
class SimulatorServer {
  readonly #options: SimulatorOptions;
  readonly recorder = new Recorder();
  readonly bill = new Bill();
  readonly google = new GoogleTokens();
  readonly #faults = new FaultCounter();
  readonly #cache = new PromptCache();
  readonly #store = new ResponseStore();

  constructor(options: SimulatorOptions) {
    this.#options = options;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, log } = this.#options;
    const target = request.url ?? "/";
    const verb = request.method ?? "GET";
    const [path = "/", search = ""] = target.split(/\?(.*)/s);
    if (path.startsWith("/_simulator/")) {
      this.#serveOwn(verb, path, new URLSearchParams(search), request.headers.host ?? "", response);
      return;
    }
    const seen = this.recorder.add(verb, target, request.rawHeaders, clock.nowMs());
    response.on("close", () => {
      seen.aborted = !seen.closed && !response.writableFinished;
      seen.abortedAtMs = seen.aborted ? clock.nowMs() : null;
      seen.closed = true;
    });
    const { body, isTooLarge } = await readBody(request);
    this.recorder.noteBody(seen, body);
    const header = (name: string) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const arrival = { verb, path, query: new URLSearchParams(search), body, isTooLarge, seen, header };
    if (!(await this.#hasGivenToken(arrival, response))) {
      await this.#answer(arrival, response);
    }
    log?.(`${verb} ${path} ${seen.status}${seen.aborted ? " (client left)" : ""}`);
  }

  /** Answers a request for an access token; false: it is none. */
  async #hasGivenToken(
    { verb, path, body, header, seen }: Arrival,
    response: ServerResponse,
  ): Promise<boolean> {
    const nowMs = this.#options.clock.nowMs();
    const origin = `http://${header("host") ?? ""}`;
    const sender = new Sender(response, NO_FAULT, seen);
    try {
      const token = this.google.answer({ verb, path, body: body.toString("utf8"), origin, nowMs, header });
      if (token === undefined) {
        return false;
      }
      await sender.sendWhole({ status: 200, headers: {}, body: token });
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      await sender.sendWhole({ status: error.status, headers: error.headers, body: error.body });
    }
    return true;
  }

  async #answer(came: Arrival, response: ServerResponse): Promise<void> {
    const at = personaAt(came.path);
    const persona = at?.persona;
    const arrival = { ...came, path: at?.path ?? came.path };
    const { header, path, query, seen, verb } = arrival;
    const { clock, ids } = this.#options;
    const route = personaRoute(at, matchRoute(verb, path, query, header));
    const vendor = route?.vendor ?? guessVendor(path, header);
    const isVertex = route?.place !== undefined;
    const caller = isVertex ? this.google.caller(header, clock.nowMs()) : undefined;
    const key = splitSuffix(caller?.subject ?? keyOf(vendor, header, query));
    seen.keySuffix = key.plain.slice(-4);
    const parsed = parseBody(arrival);
    const askedModel = asString(parsed.body?.model) || (route?.id ?? "");
    const named = splitSuffix(askedModel);
    const asked = [header("x-simulate") ?? "", named.fault, key.fault]
      .filter((text) => text !== "")
      .map(parseFault);
    const organization = mergeFaults(asked).params.org ?? `org-${sha256(key.plain).slice(0, 12)}`;
    const striking = asked.filter((fault) => this.#faults.strikes(fault, key.plain, named.plain));
    const fault = striking.length === 0 ? NO_FAULT : mergeFaults(striking);
    const nowMs = clock.nowMs();
    const hex = (bytes: number) => ids.hex(bytes);
    const headers =
      persona === undefined
        ? vendorHeaders(isVertex ? "gemini" : vendor, { organization, nowMs, hex })
        : { "x-request-id": hex(16) };
    const sender = new Sender(response, fault, seen);
    if (await sender.hasEndedEarly()) {
      return;
    }
    const scenario = scenarioOf(fault, vendor, isVertex, persona);
    const scripted =
      scenario?.place === "headers" ? scenarioReply(scenario, fault, named.plain, nowMs).headers : {};
    try {
      if (caller === undefined) {
        requireKey(vendor, header, query);
      } else if (caller.refusal !== undefined) {
        throw caller.refusal;
      }
      // A provider repeats the name that it was asked for.
      throwScripted(scenario, fault, askedModel, nowMs);
      const good = this.#makeRequest(arrival, route, parsed, {
        organization,
        key: key.plain,
        model: named.plain,
        fault,
        nowMs,
        persona,
      });
      const reply = replyTo(good.route, checkedRequest(good.route.method, good.request), this.#store);
      const inBand = inBandError(scenario, fault, vendor, named.plain, nowMs);
      const error = inBand === undefined ? undefined : withRequestId(inBand.body, headers);
      const payer = {
        credential: seen.keySuffix,
        marker: markerIn(parsed.text ?? ""),
        model: named.plain,
      };
      const close = reply.billed === undefined ? undefined : this.bill.open(payer, reply.billed);
      try {
        const type = reply.isStream && persona?.streamType ? { "content-type": persona.streamType } : {};
        await sender.sendReply(reply, { ...headers, ...type, ...scripted }, error);
      } finally {
        close?.(sender.generated, () => countOutputEvents(reply));
      }
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      const plain = withRequestId(error.body, headers);
      const isOwnWords = isRecord(plain) && plain.type !== "error";
      const body = isOwnWords && isJsonArray(route, arrival) ? [plain] : plain;
      await sender.sendWhole({ status: error.status, headers: { ...headers, ...error.headers }, body });
    }
  }

  #makeRequest(
    arrival: Arrival,
    route: Route | undefined,
    parsed: ParsedBody,
    who: {
      organization: string;
      key: string;
      model: string;
      fault: Fault;
      nowMs: number;
      persona: Persona | undefined;
    },
  ): { route: Route; request: SimRequest } {
    const vendor = route?.vendor ?? guessVendor(arrival.path, arrival.header);
    if (arrival.isTooLarge) {
      throw tooLarge(vendor);
    }
    if (route === undefined) {
      throw notFound(vendor, arrival.verb, arrival.path);
    }
    if (parsed.body === undefined) {
      throw badJson(vendor, parsed.problem);
    }
    const deltas = numberParam(who.fault, "count");
    const hugeBytes = who.fault.names.has("huge")
      ? (numberParam(who.fault, "bytes") ?? 20_000_000)
      : undefined;
    const size = {
      ...(deltas === undefined ? {} : { deltas }),
      ...(hugeBytes === undefined ? {} : { hugeBytes }),
    };
    const script = new Script(who.fault, who.persona?.words);
    const { body, model, version } = makersRequest(route, parsed.body, who.model, arrival.header);
    const request: SimRequest = {
      body,
      model,
      key: who.key,
      organization: who.organization,
      path: arrival.path,
      query: arrival.query,
      header: (name) =>
        version !== undefined && name === "anthropic-version" ? version : arrival.header(name),
      nowMs: who.nowMs,
      hex: (bytes) => this.#options.ids.hex(bytes),
      script,
      ...(who.persona === undefined ? {} : { persona: who.persona }),
      answer: (question) => makeAnswer(question, script, size, this.#cache),
    };
    return { route, request };
  }

  #serveOwn(
    verb: string,
    path: string,
    query: URLSearchParams,
    host: string,
    response: ServerResponse,
  ): void {
    if (verb === "POST" && path === "/_simulator/reset") {
      this.recorder.clear();
      this.bill.clear();
      this.#faults.clear();
      this.#cache.clear();
      this.#store.clear();
      this.google.clear();
      response.writeHead(204).end();
    } else if (verb === "POST" && path === "/_simulator/revoke-tokens") {
      this.google.revokeAll();
      response.writeHead(204).end();
    } else if (verb === "GET" && path === "/_simulator/service-account") {
      const name = query.get("name") ?? "robot";
      const account = this.google.serviceAccount(`http://${host}`, name, query.get("project") ?? PROJECT);
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(account, null, 2));
    } else if (verb === "GET" && path === "/_simulator/requests") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(this.recorder.since(Number(query.get("since") ?? 0) || 0)));
    } else if (verb === "GET" && path === "/_simulator/bill") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(this.bill.view()));
    } else if (verb === "GET" && path === "/_simulator/last") {
      const body = this.recorder.body(Number(query.get("back") ?? 0) || 0);
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/octet-stream" });
      response.end(body);
    } else if (verb === "GET" && path === "/_simulator/") {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(helpPage());
    } else {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
    }
  }
}

function countOutputEvents(reply: Reply): number {
  let count = 0;
  for (const event of reply.stream().events) {
    count += Number(event.hasOutput === true);
  }
  return count;
}

/** Google wraps its error in an array if the answer would have been an array, and for a stream of Claude's. */
function isJsonArray(route: Route | undefined, { path, query }: Arrival): boolean {
  if (path.endsWith(":streamRawPredict")) {
    return true;
  }
  return (
    route?.method === "generate" && path.endsWith(":streamGenerateContent") && query.get("alt") !== "sse"
  );
}

function withRequestId(body: unknown, headers: Readonly<Record<string, string>>): unknown {
  return isRecord(body) && body.type === "error"
    ? { ...body, request_id: headers["request-id"] ?? null }
    : body;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
