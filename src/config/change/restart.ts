/** Which changes of the configuration wait for the next start. */
import { camelKey } from "../camel-case.ts";
import type { Config } from "../config.ts";
import { configSchemaEntries } from "../schema-entries.ts";

const TLS = "server.tls.";

/** The changed keys that take effect at the next start only, as the file names them: `server.port`. */
export function keysForNextStart(before: Config, after: Config): readonly string[] {
  // A new certificate is served at once; another protocol is not.
  const isTlsSwitched = (before.server.tls === null) !== (after.server.tls === null);
  return configSchemaEntries()
    .filter(
      ({ key, appliesAt }) =>
        (isTlsSwitched && key.startsWith(TLS)) || (appliesAt === "start" && hasChanged(key, before, after)),
    )
    .map(({ key }) => key);
}

function hasChanged(key: string, before: Config, after: Config): boolean {
  return JSON.stringify(valueAt(before, key)) !== JSON.stringify(valueAt(after, key));
}

/** null where a table on the way is off. */
function valueAt(config: Config, key: string): unknown {
  let value: unknown = config;
  for (const step of key.split(".")) {
    if (value === null) return null;
    value = (value as Readonly<Record<string, unknown>>)[camelKey(step)];
  }
  return value;
}
