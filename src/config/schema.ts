/**
 * The keys of `clewline.toml`: their types, limits, defaults and descriptions. The single source for what is accepted, for
 * the type of what was read, for the environment's names and for docs/configuration.md. What needs more than one key is in
 * checks.ts.
 */
import { isIP } from "node:net";
import * as v from "valibot";

const MAX_TIMER_MS = 2_147_483_647;
const MAX_BODY_BYTES = 1_073_741_824;
const MAX_TOKENS = 100_000_000;
const EFFORT_WORDS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** A rule whose message has two lines: what is wrong, and the repair. */
function rule<T>(isGood: (value: T) => boolean, message: string, repair: string) {
  return v.check<T, string>(isGood, `${message}\n${repair}`);
}

function whole(min: number, max: number) {
  const range = `must be a whole number from ${min} to ${max}.\n`;
  return v.pipe(v.number(), v.integer(range), v.minValue(min, range), v.maxValue(max, range));
}

/** A number that need not be whole. */
function decimal(min: number, max: number) {
  const range = `must be a number from ${min} to ${max}.\n`;
  return v.pipe(v.number(), v.minValue(min, range), v.maxValue(max, range), v.metadata({ isDecimal: true }));
}

const durationMs = whole(1, MAX_TIMER_MS);
const text = v.pipe(
  v.string(),
  rule((value) => value.trim() !== "", "is empty.", "Give it a value or remove the line."),
);
const secret = v.pipe(text, v.metadata({ secret: true }));
const secretNote = "`env:NAME`, `file:PATH` (relative to this file), or the text itself";

const label = v.pipe(
  v.string(),
  rule(
    (value) => /^[^\p{C}\s/]([^\p{C}/]{0,62}[^\p{C}\s/])?$/u.test(value),
    "is not a name.",
    "Use 1 to 64 printable characters, without / and without spaces at the ends.",
  ),
);

const upstreamName = v.pipe(
  v.string(),
  rule(
    (value) => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(value),
    "is not a name for an upstream.",
    "Use 1 to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or digit.",
  ),
);

const hostName = v.pipe(
  v.string(),
  rule(
    isHost,
    "is not a host name or address.",
    'Write it without scheme, port and path, as in "gateway.example.com".',
  ),
);

const address = v.pipe(
  v.string(),
  rule(isAddressOrCidr, "is not an address or CIDR.", 'Write it as in "10.0.0.0/8" or "fd00::1".'),
);

const origin = v.pipe(
  v.string(),
  rule(isOrigin, "is not an origin.", 'Write it as in "https://app.example.com", or "*".'),
);

const baseUrl = v.pipe(
  v.string(),
  rule(
    (value) => parseHttpUrl(value) !== null,
    "is not an http or https URL.",
    'Write it as in "https://api.example.com/v1".',
  ),
  rule(
    (value) => isWithoutExtras(value),
    "must have no user name, password, query or fragment.",
    "Credentials belong in [[upstreams.credentials]].",
  ),
);

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
      v.description("Show clients the rate-limit and organization headers of our credential."),
    ),
    false,
  ),
});

const modelName = v.pipe(
  v.string(),
  rule(
    (value) => /^[^\s\p{C}]{1,256}$/u.test(value),
    "is not a name for a model.",
    "Use 1 to 256 characters without spaces.",
  ),
  rule((value) => /^[^*]*\*?$/.test(value), "has a * that is not at its end.", 'Write it as in "claude-*".'),
);

const parameters = v.object({
  temperature: v.optional(v.pipe(decimal(0, 2), v.description("Temperature."))),
  top_p: v.optional(v.pipe(decimal(0, 1), v.description("Nucleus sampling."))),
  top_k: v.optional(v.pipe(whole(1, 1_000_000), v.description("Sampling from the best k tokens."))),
  max_output_tokens: v.optional(
    v.pipe(whole(1, MAX_TOKENS), v.description("Most tokens of an answer, thinking included.")),
  ),
  effort: v.optional(
    v.pipe(
      v.picklist(EFFORT_WORDS),
      v.description("How much to think. Not beside `thinking_budget_tokens`."),
    ),
  ),
  thinking_budget_tokens: v.optional(
    v.pipe(
      whole(0, MAX_TOKENS),
      v.description("How many tokens to think; 0: not at all. Not beside `effort`."),
    ),
  ),
  stop: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          rule((value) => value !== "", "is empty.", "Give it a value or remove it."),
        ),
      ),
      v.maxLength(16, "has more than 16 texts.\nKeep those that matter."),
      v.description("Texts that end the answer."),
    ),
  ),
  seed: v.optional(
    v.pipe(whole(-MAX_TIMER_MS - 1, MAX_TIMER_MS), v.description("Seed for answers that can be repeated.")),
  ),
});

const strict = v.optional(
  v.pipe(
    v.boolean(),
    v.description(
      "Refuse a request with 400 where a translation would leave out a part of it. Otherwise the header `x-clewline-dropped` names what was left out.",
    ),
  ),
  false,
);

const model = v.object({
  name: v.pipe(
    modelName,
    v.description(
      "What clients ask for; may end in `*`. The exact name wins, then the longest that matches.",
    ),
  ),
  targets: v.pipe(
    v.array(v.string()),
    v.minLength(1, 'is empty.\nName at least one target, as in ["anthropic/claude-haiku-4-5"].'),
    v.description(
      "`upstream/model` in order: the rest are fallbacks. A `*` stands for what the name's `*` matched.",
    ),
  ),
  strict,
  system_before: v.optional(v.pipe(text, v.description("Text put before the client's instructions."))),
  system_after: v.optional(v.pipe(text, v.description("Text put behind the client's instructions."))),
  defaults: v.optional(parameters, {}),
  fixed: v.optional(parameters, {}),
});

const flag = (description: string) => v.optional(v.pipe(v.boolean(), v.description(description)));
const tokens = (description: string) => v.optional(v.pipe(whole(1, MAX_TOKENS), v.description(description)));

const modelTraits = v.object({
  match: v.pipe(
    modelName,
    v.description(
      "The model's name as its upstream calls it; may end in `*`. The exact name wins, then the longest that matches; others fill in what it does not say.",
    ),
  ),
  context_tokens: tokens("Most tokens of prompt and answer together."),
  max_output_tokens: tokens("Most tokens of an answer."),
  thinking: v.optional(
    v.pipe(
      v.picklist(["none", "budget", "effort"]),
      v.description("How it is told to think: not at all, by a number of tokens, or by a word."),
    ),
  ),
  efforts: v.optional(
    v.pipe(
      v.array(v.picklist(EFFORT_WORDS)),
      v.minLength(1, 'is empty.\nName at least one, or write thinking = "none".'),
      v.description('Words it takes, for `thinking = "effort"`; without `none` it always thinks.'),
    ),
  ),
  min_budget_tokens: tokens('Smallest number of tokens it takes, for `thinking = "budget"`.'),
  max_budget_tokens: tokens('Largest number of tokens it takes, for `thinking = "budget"`.'),
  can_disable_thinking: flag("Whether it can be told not to think."),
  thinks_by_default: flag("Whether it thinks when nothing is said."),
  sampling: v.optional(
    v.pipe(
      v.picklist(["all", "one", "none"]),
      v.description("Whether it takes temperature, top_p and top_k; `one`: temperature or top_p, not both."),
    ),
  ),
  image: flag("Whether it takes images."),
  pdf: flag("Whether it takes PDF documents."),
  audio: flag("Whether it takes audio."),
  video: flag("Whether it takes video."),
  structured_output: flag("Whether it takes a JSON Schema for its answer."),
  mid_system: flag("Whether instructions may stand between the turns."),
  prefill: flag("Whether the last message may be the beginning of the answer."),
  stop: flag("Whether it takes stop sequences."),
  sealed_calls: flag("Whether tool calls must come back with their signature (Gemini 3 and later)."),
  result_images: flag("Whether results of tools may hold images."),
  needs_responses_for_tools: flag("Whether it takes tools only on Responses (GPT-5.4 and later)."),
  cache_breakpoints: flag("Whether it takes cache marks on parts of the prompt."),
  web_search: flag("Whether it searches the web when asked to."),
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
            "What a Chat client cannot carry (sealed reasoning) is remembered by tool call id, up to this many bytes; 0: nothing is.",
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

function isHost(value: string): boolean {
  if (isIP(value) !== 0) return true;
  return (
    value.length <= 253 &&
    value.split(".").every((part) => /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(part)) &&
    !/^[0-9.]+$/.test(value)
  );
}

function isAddressOrCidr(value: string): boolean {
  const [host = "", bits, ...rest] = value.split("/");
  const version = isIP(host);
  if (version === 0 || host.includes("%") || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function isOrigin(value: string): boolean {
  return value === "*" || parseHttpUrl(value)?.origin === value;
}

function parseHttpUrl(value: string): URL | null {
  const url = /^https?:\/\/[^\s]+$/i.test(value) ? URL.parse(value) : null;
  return url?.hostname ? url : null;
}

function isWithoutExtras(value: string): boolean {
  const url = parseHttpUrl(value);
  return url === null || (!/[?#]/.test(value) && url.username === "" && url.password === "");
}
