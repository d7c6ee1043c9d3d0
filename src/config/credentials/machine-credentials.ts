/**
 * The credentials of the machine, where Google's own clients look for them: https://google.aip.dev/auth/4110. A file is read
 * when the configuration is, and watched as it is.
 */
import { existsSync } from "node:fs";
import { homedir, platform } from "node:os";
import { join } from "node:path";
import type { Env } from "../environment.ts";

const FILE_NAME = "application_default_credentials.json";

/** The file of application-default credentials; null: there is none, so the metadata server has them. */
export function applicationDefaultFile(env: Env): string | null {
  const named = env.GOOGLE_APPLICATION_CREDENTIALS;
  if (named !== undefined && named !== "") return named;
  const wellKnown = join(gcloudFolder(env), FILE_NAME);
  return existsSync(wellKnown) ? wellKnown : null;
}

/** The host of the metadata server by the variable that Google's clients know; undefined: the usual one. */
export function metadataHost(env: Env): string | undefined {
  const host = env.GCE_METADATA_HOST;
  return host !== undefined && /^[\w.:[\]-]{1,255}$/.test(host) ? host : undefined;
}

function gcloudFolder(env: Env): string {
  if (env.CLOUDSDK_CONFIG) return env.CLOUDSDK_CONFIG;
  if (platform() === "win32") return join(env.APPDATA || homedir(), "gcloud");
  return join(env.HOME || homedir(), ".config", "gcloud");
}
