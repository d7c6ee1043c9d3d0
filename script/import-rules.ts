/** The rules of the house as data: who may import whom. Each has its reason. */

/** A folder of `src/`, or a file beside them. */
export type Room = string;

/**
 * The rooms from the lowest to the highest: a room imports only rooms that are listed before it, so that no
 * import runs upwards. `imports`: the rooms, or single files of a room, that it may import besides itself;
 * `reason`: why no more.
 */
export const ROOMS: Readonly<Record<Room, { readonly imports: readonly Room[]; readonly reason: string }>> = {
  core: { imports: [], reason: "core is what all else stands on" },
  simulator: {
    imports: ["core"],
    reason:
      "a simulator that shares code with the gateway would share its mistakes, and no test would show them",
  },
  neutral: { imports: ["core"], reason: "the neutral language knows no wire, no vendor and no I/O" },
  wire: { imports: ["core"], reason: "framing knows bytes, not what they mean" },
  config: { imports: ["core", "neutral"], reason: "what is configured must not depend on what reads it" },
  dialects: {
    imports: ["core", "neutral", "wire"],
    reason: "codecs know no HTTP, credentials, config, clock or randomness",
  },
  upstreams: {
    imports: ["core", "neutral", "wire", "config", "dialects"],
    reason: "a family says how an upstream is spoken to; who is chosen and when is not its business",
  },
  store: { imports: ["core", "config"], reason: "the database's differences end in this folder" },
  transport: { imports: ["core", "config"], reason: "the HTTP client knows no vendor and no policy" },
  http: {
    // Bytes that are collected, and nothing that knows a framing.
    imports: ["core", "wire/bytes.ts", "config", "dialects"],
    reason: "the listener knows paths and error envelopes; app.ts hands it the table of handlers",
  },
  auth: {
    imports: ["core", "config", "store"],
    reason: "auth, plan, pool, limits and ledger do not know one another: proxy/ joins them",
  },
  plan: {
    imports: ["core", "neutral", "config", "dialects", "upstreams"],
    reason: "auth, plan, pool, limits and ledger do not know one another: proxy/ joins them",
  },
  pool: {
    imports: ["core", "neutral", "config", "dialects", "upstreams", "store"],
    reason: "auth, plan, pool, limits and ledger do not know one another: proxy/ joins them",
  },
  limits: {
    imports: ["core", "neutral", "config", "store"],
    reason: "auth, plan, pool, limits and ledger do not know one another: proxy/ joins them",
  },
  ledger: {
    imports: ["core", "neutral", "config", "store"],
    reason: "auth, plan, pool, limits and ledger do not know one another: proxy/ joins them",
  },
  prices: {
    imports: ["core", "neutral", "config"],
    reason: "prices are data and arithmetic: who is asked, and what is recorded, is no business of theirs",
  },
  alerts: {
    imports: ["core", "config", "store", "transport"],
    reason: "alerts read facts that app.ts hands in, so that no room knows of them and none waits for them",
  },
  cache: {
    // Bytes that grow and JSON, and nothing that knows a framing.
    imports: ["core", "neutral", "wire/bytes.ts", "wire/json.ts", "config", "store"],
    reason: "the cache keeps replies, it makes none",
  },
  capture: {
    // Bytes that grow, and nothing that knows a framing.
    imports: ["core", "wire/bytes.ts", "config", "store"],
    reason: "a capture keeps what passes, and understands nothing of it",
  },
  cluster: { imports: ["core", "config", "store"], reason: "replicas share facts, not behaviour" },
  snapshot: {
    imports: ["core", "neutral", "config", "dialects", "upstreams", "auth", "plan", "pool", "prices"],
    reason: "the snapshot is what the hot path reads, so it must not reach into the hot path",
  },
  admin: {
    imports: [
      "core",
      "neutral",
      "config",
      "upstreams",
      "http",
      "store",
      "auth",
      "limits",
      "plan",
      "pool",
      "ledger",
      "capture",
      "snapshot",
    ],
    reason: "the admin must stay able to explain a proxy that is broken: neither proxy nor dialects",
  },
  pages: {
    imports: ["core", "config", "auth", "pool", "limits", "ledger", "snapshot"],
    reason: "the pages must be able to tell about a proxy that is broken: they read facts and call nothing",
  },
  translate: {
    imports: [
      "core",
      "neutral",
      "wire",
      "config",
      "dialects",
      "upstreams",
      "transport",
      "http",
      "auth",
      "snapshot",
    ],
    reason:
      "translation turns requests and replies; who is asked, and what is recorded, is decided in proxy/",
  },
  proxy: {
    imports: [
      "core",
      "neutral",
      "wire",
      "config",
      "dialects",
      "upstreams",
      "transport",
      "http",
      "translate",
      "auth",
      "limits",
      "plan",
      "pool",
      "prices",
      "ledger",
      "cache",
      "capture",
      "snapshot",
      // The types of state ids and of charges, which the ledger writes along with a row.
      "store/state.ts",
      // Background responses outlive a process; who waits for them is a part of the proxy.
      "store/background.ts",
      "store/budgets.ts",
    ],
    reason: "a request's life needs no database, no command line and no simulator",
  },
  explain: {
    imports: [
      "core",
      "neutral",
      "wire",
      "config",
      "dialects",
      "upstreams",
      "transport",
      "http",
      "auth",
      "plan",
      "snapshot",
      "translate",
      "proxy",
    ],
    reason: "an endpoint of its own: it prepares a request as proxy/ does, and sends nothing",
  },
  models: {
    imports: ["core", "dialects", "upstreams", "transport", "http", "plan", "snapshot", "proxy"],
    reason: "an endpoint of its own: it lists models, and serves no request of a model",
  },
  doctor: {
    imports: ["core", "config", "upstreams", "ledger", "transport", "snapshot", "proxy"],
    reason: "doctor looks at each thing as the gateway uses it; it serves nobody, and nothing needs it",
  },
  routes: {
    imports: ["core", "config", "dialects", "http", "auth", "admin", "proxy", "explain", "models", "pages"],
    reason: "the table of routes says which handler answers; handlers and their rooms do not know the table",
  },
  app: {
    imports: [
      "core",
      "simulator",
      "neutral",
      "wire",
      "config",
      "dialects",
      "upstreams",
      "store",
      "transport",
      "http",
      "auth",
      "plan",
      "pool",
      "prices",
      "limits",
      "ledger",
      "alerts",
      "cache",
      "capture",
      "cluster",
      "snapshot",
      "admin",
      "translate",
      "proxy",
      "explain",
      "models",
      "doctor",
      "pages",
      "routes",
    ],
    reason: "app.ts joins the rooms by hand, and commands start it",
  },
  cli: {
    imports: [
      "core",
      "neutral",
      "wire",
      "config",
      "upstreams",
      "store",
      "auth",
      "plan",
      "pool",
      "ledger",
      "prices",
      "alerts",
      // The hash of the admin's password.
      "http/password.ts",
      // A price list that a person names by its URL, and what doctor looks at.
      "transport",
      "simulator",
      "snapshot",
      "explain",
      "doctor",
      "app",
    ],
    reason: "a command reads what is stored or starts the app; it never serves a request by itself",
  },
  main: {
    imports: ["core", "config", "http", "cli", "app"],
    reason: "only the room app may import every folder",
  },
};

/**
 * Rooms that must not be reached from others, not even through a third room. Types count as well as values.
 */
export const NEVER_REACHED: readonly {
  readonly from: readonly Room[];
  /** Files, and folders with a slash at the end. */
  readonly never: readonly string[];
  readonly reason: string;
}[] = [
  {
    // The rooms that the admin may import must keep the rule as well.
    from: ["admin", "pages", ...(ROOMS.admin?.imports ?? [])],
    never: [
      "src/proxy/",
      "src/translate/",
      "src/explain/",
      "src/models/",
      "src/dialects/codecs.ts",
      "src/dialects/anthropic-messages/codec.ts",
      "src/dialects/gemini/codec.ts",
      "src/dialects/openai-chat/codec.ts",
      "src/dialects/openai-responses/codec.ts",
    ],
    reason: "the admin must stay able to explain a gateway whose requests fail",
  },
  {
    from: ["http"],
    never: ["src/proxy/", "src/translate/", "src/snapshot.ts", "src/app.ts"],
    reason: "the front door stands below the life of a request, so that pages and admin can use it alone",
  },
  {
    from: ["snapshot"],
    never: ["src/http/", "src/transport/", "src/proxy/"],
    reason: "the frozen view of the configuration is data: it neither listens nor sends",
  },
];

export interface ModuleRule {
  readonly rule: string;
  readonly reason: string;
  /** Rooms the rule speaks of; all when absent. */
  readonly rooms?: readonly Room[];
  readonly isForbidden: (specifier: string) => boolean;
  /** Files and folders (with a slash at the end) that are free of it. */
  readonly except: readonly string[];
}

export const RUNTIME_ROOMS = ["src/http/", "src/transport/", "src/store/", "src/cli/", "src/main.ts"];
/** Crypto for its hashes: names and ids that a wire does not take become digests, the same everywhere. */
const PURE_MODULES = ["node:buffer", "node:crypto", "node:string_decoder"];

/** Modules of Node whose purpose is to open connections; `node:net` also tells what an address is. */
const CONNECTING_MODULES = [
  "node:http",
  "node:https",
  "node:http2",
  "node:tls",
  "node:dgram",
  "node:dns",
  "node:dns/promises",
  "undici",
];
/** What plays a provider or a client, and connects to nobody else. */
const LISTENERS = ["src/simulator/", "src/cli/demo.ts"];

/** Modules that belong to some rooms only. */
export const MODULE_RULES: readonly ModuleRule[] = [
  {
    rule: "bun: modules only in http, transport, store, cli and main.ts",
    reason: "the runtime can be exchanged as long as it ends in these rooms",
    isForbidden: (specifier) => specifier === "bun" || specifier.startsWith("bun:"),
    except: RUNTIME_ROOMS,
  },
  {
    rule: "no runtime API in neutral, wire, dialects and plan",
    reason: "they are pure: bytes and values in, bytes and values out",
    rooms: ["neutral", "wire", "dialects", "plan"],
    isForbidden: (specifier) => specifier.startsWith("node:") && !PURE_MODULES.includes(specifier),
    except: [],
  },
  {
    rule: "connections begin only in transport/dial",
    reason:
      "what opens a connection elsewhere goes past the proxies, authorities and certificates of the configuration",
    isForbidden: (specifier) => CONNECTING_MODULES.includes(specifier),
    except: ["src/transport/dial/", ...LISTENERS],
  },
  {
    rule: "the process module only in main.ts",
    reason: "argv, environment, signals and exit have one owner; others are handed what they need",
    isForbidden: (specifier) => specifier === "node:process" || specifier === "process",
    except: ["src/main.ts"],
  },
  {
    rule: "relative imports name their file with .ts",
    reason: "what is imported is then found by name alone, by every tool",
    isForbidden: (specifier) => specifier.startsWith(".") && !/\.(ts|json|css|html|sql)$/.test(specifier),
    except: [],
  },
];

/** What the pages of the admin, in `ui/`, may import of `src/`. */
export const UI_IMPORTS: { readonly only: readonly string[]; readonly reason: string } = {
  only: ["src/admin/contract.ts", "src/admin/contract/"],
  reason: "pages know the contract of the admin alone: all else of the program stays out of the browser",
};
