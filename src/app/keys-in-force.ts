/** The client keys of file and database together, and the swap of the key ring when the database changes. */
import { adminKey } from "../auth/admin-key.ts";
import { joinKeys, type ParseSettings } from "../auth/join-keys.ts";
import { type KeyConfig, parseKeySettings, type SettingsResult } from "../config/client-keys.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import { withKeys } from "../snapshot.ts";
import { Connection } from "../store/connection.ts";
import { assignKeyIds } from "../store/key-ids.ts";
import { KeyWatch } from "../store/key-watch.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import type { ChangingGateway } from "./make-gateway.ts";

export class KeysInForce {
  readonly #log: Log;
  readonly #watch: KeyWatch;
  readonly #connection: Connection<{ readonly sql: Sql }>;
  /** Of the keys, by their hashes; those of before as long as the database cannot be read. */
  #ids: ReadonlyMap<string, number> = new Map();
  #gateway: ChangingGateway | null = null;
  #parsed: ReadonlyMap<string, SettingsResult> = new Map();

  constructor(open: () => Sql, log: Log) {
    this.#log = log;
    this.#connection = new Connection(open, (sql) => ({ sql }));
    this.#watch = new KeyWatch({ open, log, onChange: () => this.#swap() });
  }

  /** The keys with this file; tells which stored keys do not count. */
  with(config: Config): readonly KeyConfig[] {
    const { keys, faults } = joinKeys(config, this.#watch.keys, this.#rememberingParse());
    for (const { name, message, repair } of faults)
      this.#log.warn({ key: name, repair }, `the key "${name}" in the database ${message}`);
    const own = adminKey(config, keys);
    return this.#withIds(own === null ? keys : [...keys, own]);
  }

  #withIds(keys: readonly KeyConfig[]): readonly KeyConfig[] {
    try {
      this.#ids = this.#connection.use(({ sql }) => assignKeyIds(sql, keys));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#log.warn(
        { fault: error.fault, detail: error.message },
        "the numbers of new client keys cannot be read: what these keys make at providers now belongs to all keys",
      );
    }
    return keys.map((key) => {
      const id = this.#ids.get(key.keySha256);
      return id === undefined ? key : { ...key, id };
    });
  }

  /** Of thousands of keys few change at once. What is not asked for again is forgotten. */
  #rememberingParse(): ParseSettings {
    const before = this.#parsed;
    const parsed = new Map<string, SettingsResult>();
    this.#parsed = parsed;
    return (json) => {
      const result = parsed.get(json) ?? before.get(json) ?? parseKeySettings(json);
      parsed.set(json, result);
      return result;
    };
  }

  /** The database has keys that are not revoked. */
  get areStored(): boolean {
    return this.#watch.keys.some(({ revokedMs }) => revokedMs === null);
  }

  /** From now on the gateway follows the database. */
  start(gateway: ChangingGateway): void {
    this.#gateway = gateway;
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
    this.#connection.close();
  }

  #swap(): void {
    const gateway = this.#gateway;
    if (gateway === null) return;
    const { config } = gateway.snapshot;
    gateway.snapshot = withKeys(gateway.snapshot, this.with(config));
    gateway.limiter.replace([...gateway.snapshot.keys.values()], config.teams);
    this.#log.info({ keys: gateway.snapshot.keys.size }, "the client keys in the database have changed");
  }
}
