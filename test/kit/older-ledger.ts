/**
 * A ledger as the first versions kept it: one wide table with a text key. Its rows have what rows can have: texts of
 * clients, failed attempts, rare kinds of usage, and ids of a time when the clock went back.
 */
import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { encodeTime } from "../../src/core/ids.ts";
import { MIGRATIONS, olderSql } from "../../src/ledger/schema.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

/** The steps of the schema that the first versions knew. */
const OLDER_STEPS = MIGRATIONS.slice(0, 9);
const ROWS_A_COMMIT = 5000;
const START_MS = Date.UTC(2026, 0, 1);

const MODELS = ["gpt-5-mini", "gpt-5.4", "claude-sonnet-4-6", "gemini-3-flash", "qwen3-32b"];
const USER_AGENTS = ["OpenAI/JS 7.57.0", "Anthropic/Python 1.2.3", "curl/8.5.0"];

type Value = string | number | null;

/** The id of the row with this index. Each hundred rows share a millisecond; every tenth thousand one time. */
export function olderId(index: number): string {
  const isBunched = Math.floor(index / 1000) % 10 === 9;
  const group = isBunched ? Math.floor(index / 1000) * 10 : Math.floor(index / 100);
  return `${encodeTime(START_MS + group * 50)}${String(index).padStart(16, "0")}`;
}

function rowOf(index: number): Readonly<Record<string, Value>> {
  const model = MODELS[index % MODELS.length] as string;
  const isFailed = index % 41 === 0;
  return {
    id: olderId(index),
    at_ms: START_MS + Math.floor(index / 100) * 50 - (index % 7 === 0 ? 1000 : 0),
    key: `key-${index % 4}`,
    dialect: "openai-chat",
    endpoint: "chat.completions",
    client_request_id: index % 13 === 0 ? `their-${index}` : null,
    model_asked: index % 37 === 0 ? `no-such-model-${index} "ü"` : `up/${model}`,
    upstream: isFailed ? null : "up",
    upstream_dialect: isFailed ? null : "openai-chat",
    model_used: isFailed ? null : model,
    model_reported: index % 53 === 0 ? `${model}-build-${index}` : model,
    credential: `credential-${index % 3}`,
    is_stream: index % 2,
    status: isFailed ? 404 : 200,
    outcome: isFailed ? "refused" : "ok",
    error_kind: isFailed ? "model_not_found" : null,
    stop_reason: index % 5 === 0 ? "length" : "stop",
    attempts: isFailed ? 0 : 1,
    attempt_log: index % 29 === 0 ? `[{"upstream":"up","status":503,"ms":${index}}]` : null,
    ttfb_ms: isFailed ? null : 1 + (index % 1000) / 7,
    duration_ms: 2 + (index % 1000) / 3,
    request_bytes: 100 + (index % 900),
    reply_bytes: 200 + (index % 800),
    input_tokens: index % 500,
    cache_read_tokens: index % 3 === 0 ? null : index % 50,
    cache_write_tokens: null,
    cache_write_1h_tokens: index % 31 === 0 ? 7 : null,
    output_tokens: index % 400,
    reasoning_tokens: 0,
    usage_state: "final",
    cost_nano_usd: null,
    drops: index % 43 === 0 ? '[{"field":"seed","reason":"unsupported"}]' : null,
    cache: null,
    upstream_request_id: `req_${String(index).padStart(24, "0")}`,
    client_address: `10.0.0.${index % 250}`,
    user_agent: USER_AGENTS[index % USER_AGENTS.length] as string,
    web_searches: index % 47 === 0 ? 2 : null,
    service_tier: index % 3 === 0 ? "default" : null,
  };
}

/** Makes the database in an empty data folder. */
export function makeOlderLedger(dataDir: string, rows: number): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, "ledger.db");
  // An older program has made the file: it cannot give back free pages.
  const empty = new Database(file);
  empty.run("PRAGMA auto_vacuum = NONE");
  empty.run("CREATE TABLE made (a)");
  empty.run("DROP TABLE made");
  empty.close();
  const sql = openSqlite(file, { mode: "write", busyTimeoutMs: 1000 });
  migrate(sql, OLDER_STEPS);
  const columns = Object.keys(rowOf(0));
  const insert = sql.prepare(
    `INSERT INTO requests (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  for (let from = 0; from < rows; from += ROWS_A_COMMIT) {
    sql.transaction(() => {
      for (let i = from; i < Math.min(rows, from + ROWS_A_COMMIT); i++) {
        insert.run(...Object.values(rowOf(i)));
      }
    });
  }
  sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  sql.close();
}

export interface OlderRows {
  readonly rows: number;
  /** Of all columns of the older table in all rows, in the order of the ids. */
  readonly digest: string;
}

/** What `requests` holds of the older rows, whether it is a table or a view. `upToId`: ids of younger rows are above. */
export function readOlderRows(dataDir: string, upToId: string): OlderRows {
  const database = new Database(join(dataDir, "ledger.db"), { readonly: true });
  try {
    const columns = database
      .query<{ name: string }, []>("SELECT name FROM pragma_table_info('requests') ORDER BY name")
      .all()
      .map(({ name }) => name)
      .filter((name) => olderSql(name) === name);
    const hash = new Bun.CryptoHasher("sha256");
    let rows = 0;
    const select = database.query(`SELECT ${columns.join(", ")} FROM requests WHERE id <= ? ORDER BY id`);
    for (const row of select.iterate(upToId)) {
      hash.update(JSON.stringify(row));
      rows += 1;
    }
    return { rows, digest: `${columns.length} columns ${hash.digest("hex")}` };
  } finally {
    database.close();
  }
}
