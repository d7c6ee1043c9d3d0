/** The rules of the house as data: which calls and forms belong to which file. Each has its reason. */
import { RUNTIME_ROOMS } from "./import-rules.ts";

export interface CallRule {
  readonly rule: string;
  readonly reason: string;
  /** Matched on code without comments and strings. */
  readonly pattern: RegExp;
  /** The match is a method's or function's head, not a call. */
  readonly mayBeDeclared?: boolean;
  readonly except: readonly string[];
}

/** Calls and forms that belong to one file or a few rooms, or to none. */
export const CALL_RULES: readonly CallRule[] = [
  {
    rule: "Bun.* only in http, transport, store, cli and main.ts",
    reason: "the runtime can be exchanged as long as it ends in these rooms",
    pattern: /(?<![\w$.])Bun\s*[.[]/g,
    // One file has the runtime's hasher for all rooms.
    except: [...RUNTIME_ROOMS, "src/core/hash.ts"],
  },
  {
    rule: "process only in main.ts",
    reason: "argv, environment, signals and exit have one owner; others are handed what they need",
    pattern: /(?<![\w$.])process\s*(?:\?\.|[.[])/g,
    except: ["src/main.ts"],
  },
  {
    rule: "the time only from core/clock.ts",
    reason: "a clock that is handed in can be set by a test; take a Clock",
    pattern: /\bDate\.now\b|\bnew\s+Date\s*\(\s*\)|\bperformance\.now\b|\bhrtime\b|\bBun\.nanoseconds\b/g,
    except: ["src/core/clock.ts"],
  },
  {
    rule: "randomness only from core/ids.ts",
    reason: "ids that are handed in can be fixed by a test; take Ids",
    pattern:
      /\bMath\.random\b|\brandom(?:Bytes|UUID|UUIDv7|Int|Fill|FillSync)\b|\bgetRandomValues\b|\bBun\.randomUUID\w*/g,
    except: ["src/core/ids.ts"],
  },
  {
    rule: "no fetch: connections begin only in transport/dial",
    reason:
      "time-outs, outbound proxies and the reading of every body to its end are decided in transport once (the demo and the test of a model play a client)",
    pattern: /(?<![\w$.]|\bfunction\s)(?:globalThis\s*\.\s*)?fetch\s*\(/g,
    mayBeDeclared: true,
    except: ["src/cli/demo.ts", "src/cli/try-model.ts"],
  },
  {
    rule: "sockets begin only in transport/dial",
    reason:
      "what opens a connection elsewhere goes past the proxies, authorities and certificates of the configuration",
    pattern:
      /\bBun\s*\.\s*(?:connect|udpSocket)\b|\bnew\s+(?:WebSocket|EventSource|XMLHttpRequest)\b|(?<![\w$.#])(?:createConnection|connect)\s*\(|\bnet\s*\.\s*(?:connect|createConnection|Socket)\b/g,
    mayBeDeclared: true,
    except: ["src/transport/dial/"],
  },
  {
    rule: "JSON.parse only in wire, dialects, upstreams, config, ledger, simulator and cli",
    reason: "bodies pass as bytes; what is parsed and printed again is no longer what was sent",
    pattern: /\bJSON\s*\.\s*parse\b/g,
    except: [
      "src/wire/",
      "src/dialects/",
      "src/upstreams/",
      "src/config/",
      "src/ledger/",
      "src/simulator/",
      "src/cli/",
      // The gateway's own records of a response and of limits, which no client or upstream wrote.
      "src/store/background.ts",
      "src/store/credential-rooms.ts",
      // What one process of the gateway tells another.
      "src/store/running-file.ts",
      // The admin's API has bodies of its own, which go to nobody else.
      "src/admin/read-call.ts",
      // The reply to a request of its own is read to its end, and goes to nobody else either.
      "src/admin/credentials/tested-reply.ts",
      // What the gateway itself has written in a row.
      "src/admin/keys.ts",
      "src/admin/acts/",
      "src/admin/requests/request-row.ts",
      // What a chat answers to an alert goes to nobody else.
      "src/alerts/forms.ts",
      // A price list is a file of its own, as the configuration is.
      "src/prices/price-list-text.ts",
      "src/prices/own-price-list.ts",
      // The arguments of calls are JSON as text in every dialect.
      "src/neutral/tools/json-text.ts",
    ],
  },
  {
    rule: "console only in cli",
    reason: "what runs writes structured lines through Log, so that secrets are kept out in one place",
    pattern: /(?<![\w$.])console\s*[.[]/g,
    except: ["src/cli/"],
  },
  {
    rule: "no default exports",
    reason: "a thing has one name, which a search finds everywhere",
    pattern: /\bexport\s+default\b|\bas\s+default\b/g,
    except: [],
  },
  {
    rule: "no TypeScript private: #name",
    reason:
      "a private member is seen by JSON.stringify, by loggers and by casts; a #member by its class alone",
    pattern: /\bprivate\s+(?:(?:static|readonly|async|get|set|override)\s+)*[\w$]+\s*[(:=;?<!]/g,
    except: [],
  },
  {
    rule: "no barrels",
    reason: "an export from another file hides where a thing lives, and loads what nobody asked for",
    pattern: /\bexport\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*(?:as\s+\w+\s+)?from\b/g,
    except: [],
  },
];
