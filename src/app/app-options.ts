/** What a gateway is started with, and what it is from outside. */
import type { Config } from "../config/config.ts";
import type { SettingsFileOptions } from "../config/edit/settings-file.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { ProcessMemory } from "../core/memory.ts";
import type { WriteRequestLine } from "../core/request-lines/request-lines.ts";

export interface AppOptions {
  readonly config: Config;
  /** Reads the configuration again; throws `ConfigError`. */
  readonly reloadConfig: () => Promise<Config>;
  /** Reads a text as the configuration file; absent: the admin cannot change the configuration. */
  readonly configText?: Pick<SettingsFileOptions, "check" | "draft">;
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly writeRequest: WriteRequestLine;
  /** Also requests that end well have a line. */
  readonly tellsAllRequests?: boolean;
  readonly droppedLogLines?: () => number;
  readonly memory: ProcessMemory;
  /** The program itself with its arguments, for processes of its own; absent: what they read is not known. */
  readonly ownCommand?: readonly string[] | undefined;
  /** Of this process; absent: other commands are told nothing of it. */
  readonly pid?: number | undefined;
}

export interface App {
  readonly url: string;
  readonly port: number;
  readonly metricsUrl: string | null;
  /** Of the page; null: the admin is off. */
  readonly adminUrl: string | null;
  /** Reads the configuration again and takes it over, or keeps the old one and logs the reason. */
  reload(): Promise<void>;
  /**
   * Accepts nothing new, lets running requests end for at most the drain time-out, or until `hurried`, then writes the
   * pending rows and closes. Resolves with false when it was hurried.
   */
  drain(hurried?: Promise<void>): Promise<boolean>;
}
