/** Google's credentials in a configuration: where they are found, and whether they can be used. */
import { resolve } from "node:path";
import type { Draft } from "../draft.ts";
import type { Env } from "../environment.ts";
import type { Path } from "../problem.ts";
import { FAMILIES_WITH_GOOGLE_KEYS } from "../schema.ts";
import {
  APPLICATION_DEFAULT,
  faultOfGoogleJson,
  googleKeyIn,
  isGoogleJson,
  METADATA_SERVER,
  metadataKey,
  projectOf,
  runsProgram,
} from "./google-key.ts";
import { applicationDefaultFile, metadataHost } from "./machine-credentials.ts";

/** Whether the secret at a path may be Google's credentials. */
export function takesGoogleKey(draft: Draft, [list, index]: Path): boolean {
  const family = list === "upstreams" ? draft.get([list, index as number, "family"]) : null;
  return FAMILIES_WITH_GOOGLE_KEYS.some((one) => one === family);
}

/** The reference or the text that a word for the machine's credentials stands for; any other value as it is. */
export function withMachineCredentials(written: string, env: Env, cwd: string): string {
  const file = written === APPLICATION_DEFAULT ? applicationDefaultFile(env) : null;
  if (file !== null) return `file:${resolve(cwd, file)}`;
  const isMachines = written === APPLICATION_DEFAULT || written === METADATA_SERVER;
  return isMachines ? metadataKey(metadataHost(env)) : written;
}

/** A secret as it is written, what `withMachineCredentials` made of that, and the text behind it. */
interface FoundSecret {
  readonly written: string;
  readonly value: string;
  readonly secret: string;
}

/**
 * Adds the problems of a secret of a family that takes Google's credentials. Returns false for an API key, of which nothing
 * is known here.
 */
export function checkGoogleKey(draft: Draft, path: Path, { written, value, secret }: FoundSecret): boolean {
  if (!isGoogleJson(secret)) return false;
  // The program itself has written what stands for the metadata server.
  const isOwn = written !== value && !value.startsWith("file:");
  const origin = loopbackOrigin(draft.get([...path.slice(0, 2), "base_url"]));
  const fault = isOwn ? null : faultOfGoogleJson(secret, value.startsWith("file:"), origin);
  if (fault !== null) {
    draft.refuse(path, fault.message, fault.repair);
    return true;
  }
  const key = googleKeyIn(secret);
  const credential = path.slice(0, -1);
  if ((draft.get([...credential, "project"]) ?? projectOf(key)) === null) {
    draft.refuse(
      credential,
      "has no project",
      'add the line project = "…" with the id of the project to bill',
    );
  }
  if (runsProgram(key) && draft.get(["server", "allow_credential_programs"]) !== true) {
    draft.refuse(
      path,
      "would run a program to get its token",
      "set server.allow_credential_programs = true if the program may run",
    );
  }
  return true;
}

/** A simulator of this machine may give tokens too; null: the upstream is at no such address. */
function loopbackOrigin(baseUrl: unknown): string | null {
  const url = typeof baseUrl === "string" ? URL.parse(baseUrl) : null;
  if (url === null) return null;
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname) ? url.origin : null;
}
