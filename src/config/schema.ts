/**
 * The keys of `clewline.toml`: type, limits, default, description and when a change takes effect. `Config`,
 * the names of the environment variables and docs/configuration.md are all derived from this file. Rules over
 * more than one key are in checks.ts.
 */
import * as v from "valibot";
import { admin } from "./admin/schema-admin.ts";
import { alerts } from "./alerts/schema-alerts.ts";
import { cache } from "./cache/schema-cache.ts";
import { capture } from "./capture/schema-capture.ts";
import { credential } from "./credentials/schema-credentials.ts";
import { network, upstreamNetwork } from "./network/schema-network.ts";
import { pool } from "./pool/schema-pool.ts";
import { priceEntry } from "./prices/schema-prices.ts";
import { clientKey, team } from "./schema-keys.ts";
import { model, modelTraits } from "./schema-models.ts";
import {
  address,
  baseUrl,
  durationMs,
  hostName,
  MAX_BODY_BYTES,
  MAX_MEMORY_BYTES,
  MAX_TIMER_MS,
  optional,
  origin,
  queryName,
  required,
  rule,
  secret,
  secretNote,
  table,
  text,
  upstreamName,
  whole,
  withDefault,
} from "./schema-rules.ts";
import { fixedBody, fixedHeader, fixedQuery } from "./upstreams/schema-fixed-members.ts";
import { SERVER_NAMES } from "./upstreams/servers.ts";

/** The families of upstreams, each with its dialects. A test holds them to `upstreams/index.ts`. */
export const FAMILY_DIALECTS = {
  anthropic: ["anthropic-messages"],
  gemini: ["gemini"],
  openai: ["openai-chat", "openai-responses"],
  vertex: ["anthropic-messages", "gemini"],
} as const;

export type FamilyName = keyof typeof FAMILY_DIALECTS;

/** Their upstreams may list the dialects that they speak. */
export const FAMILIES_WITH_CHOICE: readonly FamilyName[] = ["openai"];
/** Their credentials may be Google's, and not just a key. */
export const FAMILIES_WITH_GOOGLE_KEYS: readonly FamilyName[] = ["vertex"];
/** Their credentials have a project and a region. */
export const FAMILIES_WITH_PLACES: readonly FamilyName[] = ["vertex"];

const MAX_KEEP_DAYS = 36_500;
const MAX_LEDGER_BYTES = 1_099_511_627_776;
export const DEFAULT_BODY_LIMIT_BYTES = 33_554_432;
export const DEFAULT_MEMORY_BYTES = 201_326_592;

const upstream = v.object({
  name: required(
    upstreamName,
    "reload",
    "Name of the upstream, also used as the prefix of models: `name/model`. Unique.",
  ),
  family: required(
    v.picklist(Object.keys(FAMILY_DIALECTS) as FamilyName[]),
    "reload",
    "The kind of provider. `openai` also covers every OpenAI-compatible server.",
  ),
  base_url: optional(
    baseUrl,
    "reload",
    "The base URL as the family's official SDK takes it (for openai it ends in /v1). Default: the provider's own; for family vertex, that of each credential's region. For family openai, its host alone tells OpenAI itself (api.openai.com and its regional hosts) from a compatible server. A server on this machine or in a private network needs no `[[upstreams.credentials]]`.",
  ),
  server: optional(
    v.picklist(SERVER_NAMES),
    "reload",
    "Family openai only: what the server is, where the host of `base_url` does not tell, as behind a company's proxy or on a machine of your own. Default: the server known at that host, else a compatible server of which nothing is known. See [servers.md](servers.md).",
  ),
  dialects: optional(
    v.pipe(
      v.array(v.picklist(["openai-chat", "openai-responses"])),
      v.minLength(1, "is empty\nname at least one, or remove the line for both"),
    ),
    "reload",
    "Family openai only: the dialects that the server speaks. A request in another dialect is translated to the first that carries it: what only Responses has goes to Responses if it is listed. Default: both, Responses first for OpenAI itself; for any other `base_url`, requests are translated to Chat alone. A known server without Responses has Chat alone (servers.md).",
  ),
  inject_usage: withDefault(
    v.boolean(),
    true,
    "reload",
    "Ask for usage on Chat streams when the client does not, and remove it from the reply again. A server that refuses the question is asked without it. When off, the usage of such streams is unknown.",
  ),
  connect_timeout_ms: withDefault(durationMs, 10_000, "reload", "Longest time to open a connection."),
  first_byte_timeout_ms: withDefault(
    durationMs,
    600_000,
    "reload",
    "Longest wait for the first byte of a reply.",
  ),
  idle_timeout_ms: withDefault(
    durationMs,
    300_000,
    "reload",
    "Longest silence within a reply. After it the reply counts as cut.",
  ),
  ...upstreamNetwork,
  query_parameters: withDefault(
    v.array(queryName),
    [],
    "reload",
    "Query parameters that clients may send to this upstream, besides those that the API of the client's dialect documents. All others are left out and named in `x-clewline-dropped`.",
  ),
  caller_credentials: withDefault(
    v.boolean(),
    false,
    "reload",
    "Pass each caller's own credential for the provider on, in place of credentials of the upstream: it then has no `[[upstreams.credentials]]`. Callers send Clewline's key as `x-clewline-key`. See [logins.md](logins.md).",
  ),
  headers: v.optional(v.array(fixedHeader), []),
  query: v.optional(v.array(fixedQuery), []),
  body: v.optional(v.array(fixedBody), []),
  credentials: v.optional(v.array(credential), []),
});

const server = table({
  host: withDefault(
    hostName,
    "127.0.0.1",
    "start",
    "Address to listen on. `0.0.0.0` or `::` for all addresses.",
  ),
  port: withDefault(whole(0, 65_535), 8484, "start", "Port to listen on. 0: any free port."),
  data_dir: optional(
    text,
    "start",
    "Folder of the ledger and the state. Default: `$STATE_DIRECTORY`, else the platform's state folder (`~/.local/state/clewline`).",
  ),
  trusted_proxies: withDefault(
    v.array(address),
    [],
    "reload",
    "Addresses and CIDRs of proxies whose `X-Forwarded-For` header is trusted.",
  ),
  hosts: withDefault(
    v.array(v.pipe(hostName, v.toLowerCase())),
    [],
    "reload",
    "Accepted host names, without port. Empty: routes that ask for a key accept every valid `Host` header. Pages without one, `/metrics` and the admin accept addresses, `localhost`, this machine's names, names without a dot, `*.local`, `*.internal`, those listed here, and any name from `trusted_proxies`.",
  ),
  base_path: withDefault(
    v.pipe(
      v.string(),
      rule(
        (value) => /^(\/[A-Za-z0-9._~-]+)*$/.test(value) && !/\/\.{1,2}(\/|$)/.test(value),
        "is not a path prefix",
        'begin with / and end without one, as in "/llm"',
      ),
    ),
    "",
    "start",
    "Path prefix under which a proxy serves Clewline, as in `/llm`.",
  ),
  tls: v.optional(
    v.object({
      cert_file: required(
        text,
        "reload",
        "PEM file of the certificate and its chain. Needs `tls.key_file`. Both files are watched: a renewed certificate serves new connections within a second. To switch TLS on or off needs a start.",
      ),
      key_file: required(
        text,
        "reload",
        "PEM file of the private key, without a passphrase. Needs `tls.cert_file`. A key that is not the certificate's is refused, and the pair before stays.",
      ),
    }),
  ),
  body_limit_bytes: withDefault(
    whole(1, MAX_BODY_BYTES),
    DEFAULT_BODY_LIMIT_BYTES,
    "reload",
    "Largest request body, before and after decompression.",
  ),
  request_timeout_ms: withDefault(
    durationMs,
    30_000,
    "start",
    "Longest silence of a client while it sends a body: the time between two pieces, not of the whole request. Up to 9 seconds more, because the clock has steps of 4 s and starts when a body takes longer than a second. Values above 251000 act as 251000.",
  ),
  idle_connection_ms: withDefault(
    durationMs,
    75_000,
    "start",
    "How long a client's connection may stay open without a request, or in the middle of a short one. Load balancers keep theirs for 60 s as a rule: a shorter time here closes connections that they are about to use. Up to 8 seconds more, because the clock has steps of 4 s. Values above 251000 act as 251000.",
  ),
  drain_timeout_ms: withDefault(
    whole(0, MAX_TIMER_MS),
    30_000,
    "reload",
    "How long running requests may continue after SIGTERM.",
  ),
  cors_origins: withDefault(
    v.array(origin),
    [],
    "reload",
    "Other origins whose pages may call Clewline from a browser, with a key: they read neither the admin nor metrics. `*`: every origin.",
  ),
  ping_interval_ms: withDefault(
    durationMs,
    15_000,
    "reload",
    "When a client's stream has been silent for this long, it gets a ping. Before the answer the first ping also sends the status 200, so a later error can only be reported inside the stream.",
  ),
  keepalive_interval_s: withDefault(
    whole(0, 86_400),
    0,
    "reload",
    "A client that waits for a whole (not streamed) answer gets whitespace each time this many seconds pass. 0: never. The first whitespace also sends the status 200, so a later error can only be reported in the body, as the dialect's error object.",
  ),
  reply_limit_bytes: withDefault(
    whole(1, MAX_BODY_BYTES),
    67_108_864,
    "reload",
    "Largest reply, or largest frame or content of a streamed reply, that is translated.",
  ),
  allow_credential_programs: withDefault(
    v.boolean(),
    false,
    "reload",
    "Let credentials of Google's workload identity run the program that their file names. The program gets no variable of Clewline's but `PATH` and `HOME`.",
  ),
  foreign_state: optional(
    v.picklist(["allow", "refuse"]),
    "reload",
    "What a client gets for an id of an object at a provider (a stored response, a conversation, a container) whose maker the gateway does not know: `allow` passes the id, `refuse` answers as for one that does not exist. What another key has made is never given. Default: `allow` with one key, else `refuse`. Ids that only a console makes, and of files, cached contents and items, pass unless `refuse` is written. See [routes.md](routes.md).",
  ),
  memory_bytes: withDefault(
    whole(1_048_576, MAX_MEMORY_BYTES),
    DEFAULT_MEMORY_BYTES,
    "reload",
    "The most that all requests together hold in memory: bodies with the copy that goes to the upstream, translated requests, replies that are read whole, and what streams keep or slow clients do not read. One key may use all of it while no other key has a request, else half. Above it a request of more than 64 kB gets 503 with `retry-after`. At least twice `server.body_limit_bytes`.",
  ),
  write_timeout_ms: withDefault(
    durationMs,
    600_000,
    "reload",
    "A client that reads nothing of its stream for so long is let go: the request ends as that of a client that has left.",
  ),
  forward_upstream_headers: withDefault(
    v.boolean(),
    false,
    "reload",
    "Send clients the headers about the upstream's account: rate limits and organization.",
  ),
});

/** The whole file. */
export const fileSchema = v.object({
  server,
  log: table({
    level: withDefault(
      v.picklist(["debug", "info", "warn", "error"]),
      "info",
      "start",
      "The lowest level that is logged.",
    ),
    requests: optional(
      v.boolean(),
      "start",
      "Log one line for each request: who asked for which model, who answered, tokens, cost and time. Failures are logged in any case. Without this key: on a terminal yes, elsewhere no.",
    ),
  }),
  admin,
  metrics: table({
    enabled: withDefault(v.boolean(), true, "start", "Serve `/metrics`."),
    port: optional(
      whole(0, 65_535),
      "start",
      "Separate port for `/metrics` on `server.host`, open to everybody who can reach it. Without it `/metrics` is on the main port, for requests with `metrics.key` as Bearer.",
    ),
    key: optional(secret, "reload", `Bearer that may read \`/metrics\` on the main port: ${secretNote}.`),
  }),
  limits: table({
    assumed_output_tokens: withDefault(
      whole(1, 1_000_000),
      4_096,
      "reload",
      "Tokens that a request of a limited key reserves for an answer when it names no maximum itself. What an answer used in fact is counted when it ends.",
    ),
    unpriced: withDefault(
      v.picklist(["refuse", "allow"]),
      "refuse",
      "reload",
      "What a key with a budget gets when the gateway knows no price of a model: `refuse` leaves out the targets without a price; `allow` lets such requests pass, and the budget does not count them.",
    ),
  }),
  ledger: table({
    on_failure: withDefault(
      v.picklist(["refuse", "serve"]),
      "refuse",
      "start",
      "While the ledger cannot be written: `refuse` answers requests with 503; `serve` serves them although their record may be lost. A start ends with 1 when its data folder cannot be used; with `serve` it goes on when the disk is full or the database is locked.",
    ),
    queue_rows: withDefault(whole(1, 1_000_000), 10_000, "start", "How many rows may wait to be written."),
    keep_days: withDefault(
      whole(0, MAX_KEEP_DAYS),
      400,
      "reload",
      "Rows that are older are deleted, in small steps. Their sums by hour, key, model and credential stay. 0: rows are kept for ever.",
    ),
    keep_bytes: withDefault(
      whole(0, MAX_LEDGER_BYTES),
      0,
      "reload",
      "While the database takes more, its oldest rows are deleted, but for the last hour and what an open budget needs. 0: no limit.",
    ),
    min_free_bytes: withDefault(
      whole(0, MAX_LEDGER_BYTES),
      1_073_741_824,
      "reload",
      "With less free space on the disk of the data folder, the log warns and `/readyz` says so. 0: never.",
    ),
  }),
  pool,
  cache,
  capture,
  alerts,
  network,
  upstreams: v.optional(v.array(upstream), []),
  keys: v.optional(v.array(clientKey), []),
  teams: v.optional(v.array(team), []),
  models: v.optional(v.array(model), []),
  media: table({
    fetch: withDefault(
      v.boolean(),
      false,
      "reload",
      "Fetch an image or document that a client names by URL when the target cannot fetch it. Only public addresses are fetched. When off, such a request is refused.",
    ),
    fetch_limit_bytes: withDefault(
      whole(1, MAX_BODY_BYTES),
      20_971_520,
      "reload",
      "Largest image or document that is fetched.",
    ),
    fetch_timeout_ms: withDefault(
      durationMs,
      20_000,
      "reload",
      "Longest time to fetch one image or document.",
    ),
  }),
  translation: table({
    body_limit_bytes: withDefault(
      whole(1, MAX_BODY_BYTES),
      16_777_216,
      "reload",
      "Largest request body that is translated. A larger one is served by upstreams of the client's own dialect alone: to translate it would keep all other requests waiting.",
    ),
    memory_bytes: withDefault(
      whole(0, MAX_BODY_BYTES),
      33_554_432,
      "start",
      "Size of the memory for sealed reasoning, by tool call id: clients of Chat Completions and Gemini do not send it back. 0: no memory.",
    ),
  }),
  simulator: table({
    port: optional(
      whole(1, 65_535),
      "reload",
      "Serve simulated providers on this port of 127.0.0.1, for a trial without an account: all dialects, and every key is good. Upstreams lead there by their `base_url`, as in `http://127.0.0.1:8585`. The admin sets both. Without a port there are none.",
    ),
  }),
  traits: v.optional(v.array(modelTraits), []),
  prices: v.optional(v.array(priceEntry), []),
});

/** A checked file with its defaults; secrets are still as written. */
export type FileConfig = v.InferOutput<typeof fileSchema>;
