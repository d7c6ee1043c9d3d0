/**
 * The keys of `clewline.toml`: their types, limits, defaults and descriptions. The single source for what is accepted, for
 * the type of what was read, for the environment's names and for docs/configuration.md. What needs more than one key is in
 * checks.ts.
 */
import * as v from "valibot";
import { model, modelTraits, strict } from "./schema-models.ts";
import {
  address,
  baseUrl,
  durationMs,
  hostName,
  label,
  MAX_BODY_BYTES,
  MAX_TIMER_MS,
  origin,
  rule,
  secret,
  secretNote,
  text,
  upstreamName,
  whole,
} from "./schema-rules.ts";

const credential = v.object({
  name: v.pipe(
    label,
    v.description("What the credential is called in lists, logs and the ledger; once in its upstream."),
  ),
  api_key: v.pipe(secret, v.description(`The provider's key: ${secretNote}.`)),
  priority: v.optional(
    v.pipe(
      whole(-1000, 1000),
      v.description("Credentials with the lowest number are used first; equal ones take turns."),
    ),
    0,
  ),
  scope: v.optional(
    v.pipe(
      v.picklist(["credential", "model"]),
      v.description(
        "What a rate limit parks: the credential as a whole, or only for the model that was asked. Default: `model`, as Anthropic, Google and OpenAI count; `credential` for family openai with another `base_url` than api.openai.com.",
      ),
    ),
  ),
});

const upstream = v.object({
  name: v.pipe(
    upstreamName,
    v.description("What the upstream is called; also the model prefix: `name/model`. Each once."),
  ),
  family: v.pipe(
    v.picklist(["anthropic", "gemini", "openai"]),
    v.description("The kind of provider. `openai` is also every OpenAI-compatible server."),
  ),
  base_url: v.optional(
    v.pipe(
      baseUrl,
      v.description(
        "As the family's official SDK takes it (openai: ends in /v1). Default: the provider's own.",
      ),
    ),
  ),
  dialects: v.optional(
    v.pipe(
      v.array(v.picklist(["openai-chat", "openai-responses"])),
      v.minLength(1, "is empty.\nName at least one, or remove the line for both."),
      v.description(
        "Family openai only: which of the two it speaks; the first is preferred where a request of another dialect is translated. Default: both, Responses first for OpenAI itself and Chat first for any other `base_url`.",
      ),
    ),
  ),
  inject_usage: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        "Ask for usage on Chat streams whose client did not, and take it out of the reply again. Off: the usage of such streams is unknown.",
      ),
    ),
    true,
  ),
  connect_timeout_ms: v.optional(
    v.pipe(durationMs, v.description("How long a connection may take.")),
    10_000,
  ),
  first_byte_timeout_ms: v.optional(
    v.pipe(durationMs, v.description("How long the first byte of a reply may take.")),
    600_000,
  ),
  idle_timeout_ms: v.optional(
    v.pipe(durationMs, v.description("How long a reply may be silent before it counts as cut.")),
    300_000,
  ),
  credentials: v.optional(v.pipe(v.array(credential), v.description("At least one.")), []),
});

const server = v.object({
  host: v.optional(
    v.pipe(hostName, v.description("Address to listen on. `0.0.0.0` or `::` for all.")),
    "127.0.0.1",
  ),
  port: v.optional(v.pipe(whole(0, 65_535), v.description("Port to listen on; 0: any free one.")), 8484),
  data_dir: v.optional(
    v.pipe(
      text,
      v.description(
        "Folder of the ledger and the state. Default: `$STATE_DIRECTORY`, else the platform's state folder (`~/.local/state/clewline`).",
      ),
    ),
  ),
  trusted_proxies: v.optional(
    v.pipe(
      v.array(address),
      v.description("Addresses and CIDRs of proxies whose `X-Forwarded-For` is believed."),
    ),
    [],
  ),
  hosts: v.optional(
    v.pipe(v.array(hostName), v.description("Names answered to, without port. Empty: every valid `Host`.")),
    [],
  ),
  base_path: v.optional(
    v.pipe(
      v.string(),
      rule(
        (value) => /^(\/[A-Za-z0-9._~-]+)*$/.test(value) && !/\/\.{1,2}(\/|$)/.test(value),
        "is not a path prefix.",
        'Begin with / and end without one, as in "/llm".',
      ),
      v.description("Path prefix under which a proxy shows Clewline, as in `/llm`."),
    ),
    "",
  ),
  tls: v.optional(
    v.object({
      cert_file: v.pipe(
        text,
        v.description("PEM file of the certificate and its chain. Needs `tls.key_file`."),
      ),
      key_file: v.pipe(text, v.description("PEM file of the private key. Needs `tls.cert_file`.")),
    }),
  ),
  body_limit_bytes: v.optional(
    v.pipe(whole(1, MAX_BODY_BYTES), v.description("Largest request body, also after decoding.")),
    33_554_432,
  ),
  request_timeout_ms: v.optional(
    v.pipe(durationMs, v.description("How long a client may take to send its request.")),
    30_000,
  ),
  drain_timeout_ms: v.optional(
    v.pipe(whole(0, MAX_TIMER_MS), v.description("How long running requests may go on after SIGTERM.")),
    30_000,
  ),
  cors_origins: v.optional(
    v.pipe(
      v.array(origin),
      v.description("Other origins whose pages may call Clewline from a browser; `*`: all."),
    ),
    [],
  ),
  ping_interval_ms: v.optional(
    v.pipe(durationMs, v.description("Silence of an upstream after which the client's stream gets a ping.")),
    15_000,
  ),
  keepalive_interval_s: v.optional(
    v.pipe(
      whole(0, 86_400),
      v.description(
        "Seconds after which a client that awaits a whole (not streamed) answer is sent whitespace, and again each time they pass; 0: never. The first whitespace sends the status 200 with it: an error after that can only be told as the dialect's error body.",
      ),
    ),
    0,
  ),
  reply_limit_bytes: v.optional(
    v.pipe(
      whole(1, MAX_BODY_BYTES),
      v.description("Largest reply, or single frame of a streamed one, that is translated."),
    ),
    67_108_864,
  ),
  forward_upstream_headers: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        "Show clients the headers that tell of the upstream's account: rate limits and organization.",
      ),
    ),
    false,
  ),
});

/** The whole file. */
export const fileSchema = v.object({
  server: v.optional(server, {}),
  log: v.optional(
    v.object({
      level: v.optional(
        v.pipe(
          v.picklist(["debug", "info", "warn", "error"]),
          v.description("What is logged: this and what is graver."),
        ),
        "info",
      ),
    }),
    {},
  ),
  admin: v.optional(
    v.object({
      password: v.optional(
        v.pipe(
          secret,
          v.description(
            `Password of the admin: ${secretNote}, or its argon2id hash. A text is replaced by its hash in the file; when it is missing, one is made, printed once and kept as a hash. Without \`[admin]\` the admin is off.`,
          ),
        ),
      ),
    }),
  ),
  metrics: v.optional(
    v.object({
      enabled: v.optional(v.pipe(v.boolean(), v.description("Whether `/metrics` is there.")), true),
      port: v.optional(
        v.pipe(
          whole(0, 65_535),
          v.description(
            "Own port for `/metrics` on `server.host`, open to whoever reaches it. Without it: the main port, for `metrics.key` as Bearer.",
          ),
        ),
      ),
      key: v.optional(v.pipe(secret, v.description(`Bearer that may read \`/metrics\`: ${secretNote}.`))),
    }),
    {},
  ),
  ledger: v.optional(
    v.object({
      on_failure: v.optional(
        v.pipe(
          v.picklist(["refuse", "serve"]),
          v.description(
            "While the ledger cannot be written: `refuse` requests with 503, or `serve` them although the record may be lost.",
          ),
        ),
        "refuse",
      ),
      queue_rows: v.optional(
        v.pipe(whole(1, 1_000_000), v.description("How many rows may wait to be written.")),
        10_000,
      ),
    }),
    {},
  ),
  upstreams: v.optional(v.array(upstream), []),
  keys: v.optional(
    v.array(
      v.object({
        name: v.pipe(label, v.description("Whom the key is for; shown in logs and the ledger. Each once.")),
        key: v.pipe(
          secret,
          v.description(`What the client shows: ${secretNote}. Only its hash is kept in memory.`),
        ),
        strict,
      }),
    ),
    [],
  ),
  models: v.optional(v.array(model), []),
  media: v.optional(
    v.object({
      fetch: v.optional(
        v.pipe(
          v.boolean(),
          v.description(
            "Fetch an image or document that a client names by URL where the target cannot do so itself. Only public addresses are asked. Off: such a request is refused.",
          ),
        ),
        false,
      ),
      fetch_limit_bytes: v.optional(
        v.pipe(whole(1, MAX_BODY_BYTES), v.description("Largest image or document that is fetched.")),
        20_971_520,
      ),
      fetch_timeout_ms: v.optional(
        v.pipe(durationMs, v.description("How long fetching one may take.")),
        20_000,
      ),
    }),
    {},
  ),
  translation: v.optional(
    v.object({
      memory_bytes: v.optional(
        v.pipe(
          whole(0, MAX_BODY_BYTES),
          v.description(
            "What clients of Chat Completions and Gemini do not send back (sealed reasoning) is remembered by tool call id, up to this many bytes; 0: nothing is.",
          ),
        ),
        33_554_432,
      ),
    }),
    {},
  ),
  traits: v.optional(v.array(modelTraits), []),
});

/** What a file says once it is checked, with defaults; secrets still as they are written. */
export type FileConfig = v.InferOutput<typeof fileSchema>;
