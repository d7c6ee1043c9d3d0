/** Writes the reference of all keys, docs/configuration.md, from the schema. */
import { configSchemaEntries, type SchemaEntry } from "./schema-entries.ts";

const TABLES: Readonly<Record<string, string>> = {
  server: "The listener and its limits.",
  log: "Logs go to standard error, one JSON object per line.",
  admin: "The admin. Without this table the admin is off, and Clewline does not change the file.",
  metrics: "`/metrics` for Prometheus.",
  limits: "How requests of keys with limits are counted; see [limits.md](limits.md).",
  ledger: "The record of every request.",
  pool: "How requests share the credentials of the upstreams; see [waiting.md](waiting.md) and [prompt-caching.md](prompt-caching.md).",
  capture:
    "Keeps requests with heads and bodies, for keys that have it switched on; see [capture.md](capture.md).",
  alerts: "Tells a chat, or a program of yours, what needs a person; see [alerts.md](alerts.md).",
  "alerts.channels[]":
    "Receivers of alerts beside `webhook`: a chat, mailboxes, or another program. One entry for each. What each kind needs is in [alerts.md](alerts.md#channels).",
  network: "The way of connections: proxies; see [network.md](network.md).",
  "upstreams[]": "The providers and servers that Clewline calls. One entry for each.",
  "upstreams[].headers[]":
    'Headers of each request to the upstream above the entry, such as a company\'s proxy wants them: `headers = [{ name = "x-team", value = "env:TEAM" }]`. Also requests of the gateway\'s own have them. Not beside `caller_credentials`.',
  "upstreams[].query[]":
    'Query parameters of each request to the upstream above the entry: `query = [{ name = "api-version", value = "2026-01-01" }]`.',
  "upstreams[].body[]":
    'Members of each JSON body for the upstream above the entry: `body = [{ name = "metadata", json = \'{"team": "search"}\' }]`.',
  "upstreams[].credentials[]": "The keys for the upstream above the entry. One entry for each key.",
  "keys[]":
    "The keys of clients. One entry for each client; `name` and `key` are enough. Keys may also be made with `clewline keys`, with the same settings: see [keys.md](keys.md).",
  "keys[].per_model[]":
    "Limits for some models of the key above the entry, beside those of the key as a whole. One entry for each model or pattern.",
  "teams[]": "Teams, each with a budget that its keys share. One entry for each team.",
  "models[]":
    "Names of your own for models. A model without an entry goes to the upstream of its prefix (`anthropic/claude-…`), else by its well-known name (`gpt-…`, `claude-…`, `gemini-…`) to the upstreams at its own provider (by their host, or by `server`), else to the one that has the family's name (`openai`, `anthropic`, `gemini`), else to the gateway's own simulator, else to the only upstream there is. A compatible server, a reseller or a company's proxy beside other upstreams gets such a model by its prefix or by an entry alone, such as `name = \"gpt-*\"` with `targets = [\"proxy/gpt-*\"]`, and to fall back to another provider takes an entry. A model's name that ends in `-thinking`, `-thinking-8k` (a budget in tokens, `k`: 1,024) or `-search` asks for thinking or for web search, for clients that cannot ask in another way; models of compatible servers, other than OpenAI's, keep such names whole. Below its entry, `[models.defaults]` has parameters for clients that give none, and `[models.fixed]` has parameters that replace the client's.",
  media: "Images and documents that clients name by URL.",
  translation: "Translation from one dialect to another.",
  simulator: "Simulated providers within the gateway; see [admin.md](admin.md#the-first-run).",
  "prices[]":
    "Prices of your own: of a contract, of models that no list has, of your own servers. They go before the list; `clewline prices show` prints what holds. `model` and one rate are enough. An entry with `tier`, `above_tokens`, `hours` or `region` is a part of the price of the same upstream, model and day, and says only what differs. All rates are in dollars, with at most nine decimals. See [prices.md](prices.md).",
  "traits[]":
    "Abilities of models, where Clewline's table and the provider's own list are wrong or incomplete. One entry for each model; all keys but `match` are optional.",
};

/** The whole text of docs/configuration.md. */
export function renderReference(): string {
  const groups = Map.groupBy(configSchemaEntries(), (entry) => tableOf(entry.key));
  const sections = [...groups].map(([table, entries]) => renderSection(table, entries));
  return `${HEAD}\n${sections.join("\n")}`;
}

const HEAD = `# Configuration

<!-- Written from src/config/schema.ts. To change it, change the schema, then run: UPDATE=1 node_modules/.bin/bun test src/config/reference.test.ts -->

Clewline reads one \`clewline.toml\`: the first of \`--config FILE\`, \`CLEWLINE_CONFIG\`, the working folder, and the user's
configuration folder (\`$XDG_CONFIG_HOME/clewline\` or \`~/.config/clewline\`; macOS: \`~/Library/Application Support/clewline\`;
Windows: \`%APPDATA%\\clewline\`). When there is no file, the first start makes one in the user's folder.

- Flags win over the environment, the environment over the file, the file over the defaults. The variable of each key is
  named below; \`CLEWLINE_HOST\`, \`CLEWLINE_PORT\`, \`CLEWLINE_DATA_DIR\` and \`CLEWLINE_LOG_LEVEL\` are short forms. Entries of
  a list are separated by commas; an empty variable counts as not set.
- Secrets are \`env:NAME\`, \`file:PATH\` (line ends at the end of the file are removed) or the text itself. Paths are
  relative to the configuration file; \`~/\` is the home folder.
- Files that the configuration names, with secrets or the listener's certificate, are watched as it is: a changed one
  is in use within a second. One that is empty or cannot be read leaves the previous configuration active.
- An upstream whose certificate comes from a private authority: name the authority's file in \`ca_file\` of the upstream
  ([network.md](network.md)), or start Clewline with \`NODE_EXTRA_CA_CERTS=FILE\` or
  \`SSL_CERT_FILE=FILE\`, the authority's certificates in PEM. Both are read at the start only.
- Sizes are in bytes (\`…_bytes\`), times in milliseconds (\`…_ms\`) or seconds (\`…_s\`).
- \`clewline check\` reports every mistake with its line and its repair. A change of the file takes effect without dropping
  a request, at once or at the next start, as the tables say. An invalid file leaves the previous configuration active. So does
  a file that has no keys, or no upstreams, any more: to run without them, restart Clewline.
`;

function renderSection(table: string, entries: readonly SchemaEntry[]): string {
  const title = table.endsWith("[]") ? `[[${table.replaceAll("[]", "")}]]` : `[${table}]`;
  const rows = entries.map((entry) => {
    const fallback = entry.default === null ? (entry.isRequired ? "required" : "–") : `\`${entry.default}\``;
    const variable = entry.env === null ? "" : ` Variable: \`${entry.env}\`.`;
    const name = entry.key.slice(table.length + 1);
    const change = entry.appliesAt === "start" ? "at the next start" : "at once";
    return `| \`${name}\` | ${entry.type} | ${fallback} | ${change} | ${entry.description}${variable} |`;
  });
  return `## \`${title}\`

${TABLES[table] ?? ""}

| key | kind | default | takes effect | meaning |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

/** What a table is for. */
export function tableHelp(table: string): string {
  return TABLES[table] ?? "";
}

/** The table of a key. `server.tls.cert_file` is documented in `[server]`, as `tls.cert_file`. */
export function tableOf(key: string): string {
  const list = key.lastIndexOf("[]");
  return list < 0 ? key.slice(0, key.indexOf(".")) : key.slice(0, list + 2);
}
