/** What doctor says about one thing. */
import type { GatewayError } from "../core/errors.ts";

export type Check =
  | "configuration"
  | "file_mode"
  | "data_folder"
  | "disk"
  | "port"
  | "clock"
  | "name"
  | "connection"
  | "certificate"
  | "key"
  | "models";

export interface Finding {
  readonly check: Check;
  /** A file, a folder, an address, an upstream, or a credential as `upstream/name`; "" for all of it. */
  readonly about: string;
  /** `warning`: it works, and may not tomorrow. */
  readonly level: "ok" | "warning" | "problem";
  /** In plain English, without the repair. Holds no secret. */
  readonly message: string;
  /** null: there is nothing to do. */
  readonly repair: string | null;
}

export function good(check: Check, about: string, message: string): Finding {
  return { check, about, level: "ok", message, repair: null };
}

export function warning(check: Check, about: string, message: string, repair: string): Finding {
  return { check, about, level: "warning", message, repair };
}

export function problem(check: Check, about: string, message: string, repair: string): Finding {
  return { check, about, level: "problem", message, repair };
}

/** Errors name the fault, a semicolon, and the repair. */
export function problemOf(check: Check, about: string, { message }: GatewayError): Finding {
  const at = message.indexOf("; ");
  return at < 0
    ? problem(check, about, message, "look into the log")
    : problem(check, about, message.slice(0, at), message.slice(at + 2));
}
