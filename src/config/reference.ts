/** The reference of all keys, written from the schema: docs/configuration.md is this text. */
import { configSchemaEntries, type SchemaEntry } from "./schema-entries.ts";

const TABLES: Readonly<Record<string, string>> = {
  server: "The listener, and what it allows.",
  log: "Logs go to standard error, one JSON object a line.",
  admin: "The admin. Without this table it is off, and the file is left alone.",
  metrics: "`/metrics` for Prometheus.",
  ledger: "The record of every request.",
  "upstreams[]": "Whom Clewline calls. One entry for each provider or server.",
  "upstreams[].credentials[]": "What is shown to the upstream above it. One entry for each key.",
  "keys[]": "What clients show. One entry for each client.",
  "models[]":
    "Names of your own. Without an entry a model goes to the upstream of its prefix (`anthropic/claude-…`), else to the upstream of its well-known family, else to the only upstream there is. A name of a model that ends in `-thinking`, `-thinking-8k` (a budget in tokens, `k`: 1,024) or `-search` asks for thinking or for web search, for clients that cannot ask otherwise; other models of compatible servers than OpenAI's keep such names whole. `[models.defaults]` and `[models.fixed]`, below their entry, hold parameters for clients that give none, and parameters in the place of the client's own.",
  media: "Images and documents that clients name by URL.",
  translation: "From one dialect to another.",
  "traits[]":
    "What is known of a model, where Clewline's table and the provider's own list are wrong or silent. One entry for each model; everything but `match` is optional.",
};

/** The whole of docs/configuration.md. */
export function renderReference(): string {
  const groups = Map.groupBy(configSchemaEntries(), (entry) => tableOf(entry.key));
  const sections = [...groups].map(([table, entries]) => renderSection(table, entries));
  return `${HEAD}\n${sections.join("\n")}`;
}

const HEAD = `# Configuration

<!-- Written from src/config/schema.ts. To change it, change the schema, then run: UPDATE=1 node_modules/.bin/bun test src/config/reference.test.ts -->

Clewline reads \`clewline.toml\`: the first of \`--config FILE\`, \`CLEWLINE_CONFIG\`, the working folder, and the user's
configuration folder (\`$XDG_CONFIG_HOME/clewline\` or \`~/.config/clewline\`; macOS: \`~/Library/Application Support/clewline\`;
Windows: \`%APPDATA%\\clewline\`). When there is none, the first start makes one in the user's folder.

- Flags win over the environment, the environment over the file, the file over the defaults. The variable of each key is
  named below; \`CLEWLINE_HOST\`, \`CLEWLINE_PORT\`, \`CLEWLINE_DATA_DIR\` and \`CLEWLINE_LOG_LEVEL\` are short forms. Lists are
  separated by commas, an empty variable counts as not set.
- Secrets are \`env:NAME\`, \`file:PATH\` (line ends at its end are left out) or the text itself. Paths are relative to the
  file they stand in; \`~/\` is the home folder.
- Sizes are in bytes (\`…_bytes\`), times in milliseconds (\`…_ms\`) or seconds (\`…_s\`).
- \`clewline check\` reports every mistake with its line and its repair. A change of the file takes effect without dropping
  a request, at once or at the next start, as the tables say. An invalid file leaves the previous configuration active.
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

/** `server.tls.cert_file` is told in `[server]`, as `tls.cert_file`. */
function tableOf(key: string): string {
  const list = key.lastIndexOf("[]");
  return list < 0 ? key.slice(0, key.indexOf(".")) : key.slice(0, list + 2);
}
