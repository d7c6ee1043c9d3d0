/** Client keys: those of the file to read, those of the database to change. */
import { addKey, changeKey, changeKeys, type KeyRefusal, revoked, rotated } from "../auth/key-changes.ts";
import { type KeyConfig, type KeySettings, readKeySettings } from "../config/client-keys.ts";
import { makeClientKey } from "../config/first-run/first-run.ts";
import { isKeyName } from "../config/schema-keys.ts";
import { changeStoredKeys, type KeyTable, type StoredKey } from "../store/client-keys.ts";
import { Connection } from "../store/connection.ts";
import type { Sql } from "../store/sql.ts";
import type { Acts, KeyPair, WayBack } from "./acts/acts.ts";
import { type KeyChange, shownSettings } from "./acts/key-undo.ts";
import { AdminError } from "./admin-error.ts";
import type { Actor } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";
import type { Handlers } from "./handler.ts";
import { KeyList, type ListedKey } from "./keys/key-list.ts";
import { shownKey, stateOf } from "./keys/key-row.ts";
import { spendingOf } from "./keys/key-spending.ts";

type Key = ReplyOf<"getKey">["key"];
type Many = "revokeKeys" | "pauseKeys" | "resumeKeys";
type Changing = Many | "createKey" | "changeKey" | "rotateKey";
type Settings = Readonly<Record<string, unknown>>;

const PAGE_KEYS = 100;

export class Keys {
  readonly #context: AdminContext;
  readonly #connection: Connection<{ readonly sql: Sql }>;
  readonly #list = new KeyList();
  readonly #acts: Acts;

  constructor(context: AdminContext, acts: Acts) {
    this.#context = context;
    this.#acts = acts;
    this.#connection = new Connection(context.open, (sql) => ({ sql }));
  }

  close(): void {
    this.#connection.close();
  }

  handlers(): Pick<Handlers, "listKeys" | "getKey" | Changing> {
    const many =
      (what: Many, word: string, changed: (before: StoredKey) => StoredKey) =>
      (call: Actor & { body: { names: string[] } }) => {
        const { names } = call.body;
        for (const name of names) this.#refuseNameOfFile(name);
        const { refused, undo } = this.#act(call, what, word, (table) => changeKeys(table, names, changed));
        if (refused !== null) throw refusal("unknown", refused.unknown);
        return { changed: names, undo };
      };
    const now = (): number => this.#context.clock.nowMs();
    return {
      listKeys: async ({ query }) => {
        const { cursor, limit = PAGE_KEYS, text, state, team } = query;
        const found = (await this.#all()).filter(
          (key) =>
            (text === undefined || key.name.toLowerCase().includes(text.toLowerCase())) &&
            (state === undefined || stateOf(key, now()) === state) &&
            (team === undefined || key.config?.team === team),
        );
        const after = cursor === undefined ? found : found.filter(({ name }) => name > cursor);
        const keys = after.slice(0, limit).map((key) => this.#withLimits(shownKey(key, now())));
        const next = after.length > limit ? (keys.at(-1)?.name ?? null) : null;
        return { keys, total: found.length, next };
      },
      getKey: async ({ params: { name } }) => ({
        key: await this.#one(name),
        spent: await spendingOf(this.#context, name),
      }),
      createKey: ({ body: { name, settings }, ...actor }) => {
        if (!isKeyName(name))
          throw new AdminError("bad_request", '"name" is no name for a key', {
            path: "name",
            repair: "use 1 to 64 printable characters, without / and without spaces at the ends",
          });
        this.#refuseNameOfFile(name);
        const text = JSON.stringify(this.#checked(settings));
        const key = makeClientKey(this.#context.ids);
        const { refused, undo } = this.#act(actor, "createKey", "created", (table) =>
          addKey(table, { name, key, settings: text, createdMs: now() }),
        );
        if (refused !== null) throw refusal(refused, name);
        return { name, key, undo };
      },
      changeKey: async ({ params: { name }, body: { settings }, ...actor }) => {
        const undo = this.#changeOne(actor, "changeKey", "changed", name, (before) => {
          const all = { ...(JSON.parse(before.settings) as Settings), ...settings };
          const kept = Object.entries(all).filter(([, value]) => value !== null);
          return { ...before, settings: JSON.stringify(this.#checked(Object.fromEntries(kept))) };
        });
        return { key: await this.#one(name), undo };
      },
      rotateKey: ({ params: { name }, body: { keepOldMs }, ...actor }) => {
        const key = makeClientKey(this.#context.ids);
        const undo = this.#changeOne(actor, "rotateKey", "rotated", name, (before) =>
          rotated(before, key, keepOldMs, now()),
        );
        return { name, key, undo };
      },
      revokeKeys: many("revokeKeys", "revoked", (before) => revoked(before, now())),
      pauseKeys: many("pauseKeys", "paused", (before) => ({ ...before, pausedMs: before.pausedMs ?? now() })),
      resumeKeys: many("resumeKeys", "resumed", (before) => ({ ...before, pausedMs: null })),
    };
  }

  /** Runs `work`, which gives back why nothing was changed, and puts what it has saved on record. */
  #act<Refused>(
    actor: Actor,
    what: Changing,
    word: string,
    work: (table: KeyTable) => Refused | null,
  ): { readonly refused: Refused | null; readonly undo: WayBack } {
    const pairs: KeyPair[] = [];
    const refused = this.#connection.use(({ sql }) =>
      changeStoredKeys(sql, (table) =>
        work({
          find: (name) => table.find(name),
          save(key) {
            pairs.push([table.find(key.name), key]);
            table.save(key);
          },
        }),
      ),
    );
    const shown = (change: KeyChange) =>
      what === "changeKey"
        ? shownSettings(change)
        : [{ path: `keys[${change.name}]`, before: null, after: word }];
    return { refused, undo: this.#acts.keys(actor, what, pairs, shown) };
  }

  #changeOne(
    actor: Actor,
    what: Changing,
    word: string,
    name: string,
    changed: (before: StoredKey) => StoredKey,
  ): WayBack {
    this.#refuseNameOfFile(name);
    const { refused, undo } = this.#act(actor, what, word, (table) => changeKey(table, name, changed));
    if (refused !== null) throw refusal(refused as KeyRefusal, name);
    return undo;
  }

  /** By name. */
  #all(): Promise<readonly ListedKey[]> {
    const { config } = this.#context.snapshot();
    return this.#list.read(config, (work) => this.#connection.use(({ sql }) => work(sql)));
  }

  async #one(name: string): Promise<Key> {
    const found = (await this.#all()).find((key) => key.name === name);
    if (found === undefined) throw refusal("unknown", name);
    return this.#withLimits(shownKey(found, this.#context.clock.nowMs()));
  }

  /** What the limits of the key have left, as far as the gateway has it in force. */
  #withLimits(key: Key): Key {
    const { snapshot, limiter } = this.#context;
    const principal = snapshot()
      .keys.values()
      .find(({ name }) => name === key.name);
    if (principal === undefined || principal.limits === null) return key;
    const limits = limiter
      .use(principal)
      .flatMap(({ limitValue, scope, ...use }) =>
        scope === "credential" ? [] : [{ ...use, scope, value: limitValue }],
      );
    return { ...key, limits };
  }

  #refuseNameOfFile(name: string): void {
    const { config } = this.#context.snapshot();
    if (!config.keys.some((key) => key.name === name)) return;
    throw new AdminError("conflict", `"${name}" is the name of a key in the configuration`, {
      repair: "change its [[keys]] entry there, or choose another name",
    });
  }

  /** Throws `invalid` for settings that cannot be, and for a team or an upstream that the configuration does not have. */
  #checked(settings: Settings): Settings {
    const result = readKeySettings(settings);
    if (!result.ok) {
      const [{ setting, message, repair }] = result.faults;
      throw wrongSetting(setting, message, repair);
    }
    const { config, upstreams } = this.#context.snapshot();
    checkReferences(result.settings, config.teams, upstreams);
    return settings;
  }
}

function checkReferences(
  { team, upstreams }: KeySettings,
  teams: readonly Pick<KeyConfig, "name">[],
  known: ReadonlyMap<string, unknown>,
): void {
  if (team !== null && !teams.some(({ name }) => name === team))
    throw wrongSetting("team", `is not the name of a [[teams]] entry`, "add the team first");
  const unknown = upstreams?.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw wrongSetting("upstreams", `names "${unknown}", which is no upstream of the configuration`, "");
}

function wrongSetting(setting: string, message: string, repair: string): AdminError {
  const path = setting === "" ? "settings" : `settings.${setting}`;
  return new AdminError("invalid", `"${path}" ${message}`, { path, ...(repair === "" ? {} : { repair }) });
}

function refusal(kind: KeyRefusal, name: string): AdminError {
  switch (kind) {
    case "taken":
      return new AdminError("conflict", `there is a key "${name}" already`, { path: "name" });
    case "spent":
      return new AdminError("conflict", `"${name}" was the name of a key that is revoked`, {
        path: "name",
        repair: "choose another one, so that the usage of both stays apart",
      });
    case "unknown":
      return new AdminError("not_found", `there is no key "${name}"`);
    case "revoked":
      return new AdminError("conflict", `the key "${name}" is revoked`, { repair: "make another one" });
  }
}
