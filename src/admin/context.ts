/** What the admin is handed: the rooms that it may read, and functions of rooms that it must not reach. */
import type { SettingsFile } from "../config/edit/settings-file.ts";
import type { Problem } from "../config/problem.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Sql } from "../store/sql.ts";

export interface AdminContext {
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The view of the configuration in force. */
  readonly snapshot: () => Snapshot;
  /** Opens the data folder's database for writing. Throws `StoreError`. */
  readonly open: () => Sql;
  /** Where clients reach the gateway; null: where the admin's own page is. */
  readonly mainUrl: () => string | null;
  /** argon2id, beside the event loop. */
  readonly hashPassword: (password: string) => Promise<string>;
  /** Changes of the configuration file. */
  readonly settings: SettingsFile;
  /** The problems of a changed file that is not in effect. */
  readonly rejected: () => readonly Problem[];
  readonly verifyPassword: (password: string, hash: string) => Promise<boolean>;
}
