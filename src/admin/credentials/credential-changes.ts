/** Adds and removes credentials of the configuration. */
import type { Change } from "../../config/edit/change.ts";
import { KEPT_MS } from "../../config/edit/kept-texts.ts";
import { namedSettings } from "../../config/edit/named-settings.ts";
import type { Path } from "../../config/problem.ts";
import { parseToml } from "../../config/toml/toml.ts";
import { AdminError } from "../admin-error.ts";
import type { ConfigChanges } from "../config-changes.ts";
import type { AdminContext } from "../context.ts";
import type { Handlers } from "../handler.ts";
import { type LineResult, readCredentialLines } from "./credential-lines.ts";

export function makeCredentialChangeHandlers(
  context: AdminContext,
  changes: ConfigChanges,
): Pick<Handlers, "addCredentials" | "removeCredential"> {
  const { settings, snapshot, clock } = context;
  return {
    async addCredentials({ body: { upstream, lines, version }, ...actor }) {
      let results: readonly LineResult[] = [];
      const read = (text: string): readonly Change[] => {
        const found = readCredentialLines(
          parseToml(text).root,
          lines,
          upstream ?? null,
          snapshot().config.upstreams,
        );
        results = found.results;
        if (found.changes.length === 0) throw new NothingToAdd();
        return found.changes;
      };
      try {
        const made = await changes.make(actor, "addCredentials", () =>
          settings.change(version ?? null, read),
        );
        return {
          results: [...results],
          version: made.version,
          undo: { auditId: made.auditId, untilMs: null },
        };
      } catch (cause) {
        if (!(cause instanceof NothingToAdd)) throw cause;
        return { results: [...results], version: (await settings.read()).revision, undo: null };
      }
    },
    async removeCredential({ params: { upstream, name }, ...actor }) {
      const made = await changes.make(actor, "removeCredential", () =>
        settings.change(null, (text) => [{ kind: "remove", path: findCredential(text, upstream, name) }]),
      );
      const undo = { auditId: made.auditId, untilMs: clock.nowMs() + KEPT_MS };
      return { version: made.version, undo };
    },
  };
}

/** All lines have a fault. */
class NothingToAdd extends Error {}

function findCredential(text: string, upstream: string, name: string): Path {
  const found = namedSettings(parseToml(text).root).get(`upstreams[${upstream}].credentials[${name}]`);
  if (found !== undefined) return found.path;
  throw new AdminError("not_found", "the configuration has no such credential", {
    repair: "read the list again",
  });
}
