/** The configuration, and changes of it. */
import { setImmediate } from "node:timers/promises";
import type { Draft } from "../config/draft.ts";
import { applyChange, type Change } from "../config/edit/change.ts";
import { exportPieces, importPieces, seal, unseal } from "../config/edit/exported-settings.ts";
import { topmost } from "../config/edit/named-settings.ts";
import { parsePath } from "../config/edit/path-text.ts";
import { isSecretAt } from "../config/edit/shown-value.ts";
import { comparePaths } from "../config/edit/undo-differences.ts";
import { withPassword } from "../config/first-run/password.ts";
import { ConfigError, type Path, renderPath } from "../config/problem.ts";
import { isLiteral } from "../config/secret.ts";
import { isTree, parseToml, TomlError, type Tree } from "../config/toml/toml.ts";
import { inTurns } from "../core/turns.ts";
import type { Access } from "./access/access.ts";
import { AdminError } from "./admin-error.ts";
import { type ConfigChanges, type Made, shownDifferences, shownProblems } from "./config-changes.ts";
import type { AdminContext } from "./context.ts";
import type { ReadBodyOf } from "./contract.ts";
import type { Handlers } from "./handler.ts";
import { refuseBeyondBounds } from "./settings/bounds.ts";
import { keysOf, tablesOf, valuePieces, whyLocked } from "./settings/settings-view.ts";

type WantedChange = ReadBodyOf<"changeSettings">["changes"][number];
type SettingsHandlers = Pick<
  Handlers,
  "getSettings" | "previewSettings" | "changeSettings" | "exportSettings" | "importSettings"
>;

export function makeSettingsHandlers(
  context: AdminContext,
  access: Pick<Access, "confirm" | "cookieAfterPassword">,
  changes: ConfigChanges,
): SettingsHandlers {
  const { settings } = context;
  const make = (wanted: readonly WantedChange[]) => (text: string) => changesOf(context, text, wanted);
  return {
    async getSettings() {
      const lockedReason = await settings.whyLocked();
      const { text, revision } =
        settings.file === null ? { text: "", revision: "none" } : await settings.read();
      const { root, draft } = await readDraft(context, text);
      return {
        file: settings.file ?? "",
        version: revision,
        lockedReason,
        values: await inTurns(valuePieces(root, draft)),
        keys: keysOf(),
        tables: tablesOf(),
        problems: shownProblems(context.rejected()),
      };
    },
    async previewSettings({ body: { version, changes: wanted } }) {
      try {
        const made = await changes.attempt(() => settings.change(version, make(wanted), true));
        const differences = shownDifferences(topmost(made.differences));
        return { differences: [...differences], problems: [], atNextStart: [...made.atNextStart] };
      } catch (cause) {
        if (!(cause instanceof AdminError) || cause.kind !== "invalid") throw cause;
        const { path = "", repair = "", details } = cause.options;
        const problems = details?.problems ?? [{ path, message: cause.message, repair }];
        return { differences: [], problems: [...problems], atNextStart: [] };
      }
    },
    async changeSettings({ body: { version, changes: wanted, currentPassword }, ...actor }) {
      const isOfPassword = wanted.some(({ path }) => isOfAdminPassword(parsePath(path)));
      if (isOfPassword) await access.confirm(actor.client, currentPassword);
      const made = await changes.make(actor, "changeSettings", () => settings.change(version, make(wanted)));
      return replyOf(made, isOfPassword ? access.cookieAfterPassword(actor.client, actor.caller) : null);
    },
    async exportSettings({ client, body: { passphrase, currentPassword } }) {
      if (passphrase !== undefined) await access.confirm(client, currentPassword);
      const { text } = await settings.read();
      return {
        text:
          passphrase === undefined
            ? await inTurns(exportPieces(text))
            : await seal(text, passphrase, context.ids),
      };
    },
    async importSettings({ body: { version, text, passphrase, currentPassword, isTrial }, ...actor }) {
      const now = await settings.read();
      const plain = await unsealed(text, passphrase);
      const before = parseToml(now.text).root;
      const imported = await withHashedPassword(context, before, await readImport(now.text, plain));
      await setImmediate();
      const after = parseToml(imported).root;
      refuseBeyondBounds(before, after, allowsPrivate(context));
      const attempt = () => settings.replace(version, imported, isTrial);
      if (isTrial) {
        const { revision, differences, atNextStart, isMerged } = await changes.attempt(attempt);
        const shown = [...shownDifferences(topmost(differences))];
        return {
          version: revision,
          auditId: null,
          differences: shown,
          atNextStart: [...atNextStart],
          isMerged,
        };
      }
      const isOfPassword = passwordIn(after) !== passwordIn(before);
      if (isOfPassword) await access.confirm(actor.client, currentPassword);
      const made = await changes.make(actor, "importSettings", attempt);
      return replyOf(made, isOfPassword ? access.cookieAfterPassword(actor.client, actor.caller) : null);
    },
  };
}

/** The password itself, or the table that has it. */
export function isOfAdminPassword(path: Path | null): boolean {
  return path?.[0] === "admin" && (path.length === 1 || path[1] === "password");
}

function replyOf(made: Made, cookie: string | null) {
  const reply = { ...made, differences: [...made.differences], atNextStart: [...made.atNextStart] };
  return cookie === null ? reply : Response.json(reply, { headers: { "set-cookie": cookie } });
}

async function unsealed(text: string, passphrase: string | undefined): Promise<string> {
  if (!text.trimStart().startsWith("{")) return text;
  if (passphrase === undefined)
    throw new AdminError("invalid", "the export is encrypted", {
      path: "passphrase",
      repair: "give its passphrase",
    });
  const plain = await unseal(text, passphrase);
  if (plain !== null) return plain;
  throw new AdminError("invalid", "the passphrase does not open this export", {
    path: "passphrase",
    repair: "check both",
  });
}

async function readImport(now: string, text: string): Promise<string> {
  try {
    const result = await inTurns(importPieces(now, text));
    if (result.ok) return result.text;
    throw new AdminError("invalid", result.problems[0]?.message ?? "", {
      details: { problems: shownProblems(result.problems) },
    });
  } catch (cause) {
    if (cause instanceof TomlError)
      throw new AdminError("invalid", cause.message, { path: "text", repair: cause.repair });
    throw cause;
  }
}

/** `draft` null: the text is not TOML. */
async function readDraft(
  { settings }: AdminContext,
  text: string,
): Promise<{ root: Tree; draft: Draft | null }> {
  try {
    const draft = await settings.draft(text);
    return { root: draft.root, draft };
  } catch (cause) {
    if (cause instanceof ConfigError) return { root: {}, draft: null };
    throw cause;
  }
}

/** First what is set and added, then what goes, from the end of each list: so that all paths are those of the page. */
async function changesOf(
  context: AdminContext,
  text: string,
  wanted: readonly WantedChange[],
): Promise<readonly Change[]> {
  refuseTwice(wanted);
  const { root, draft } = await readDraft(context, text);
  await setImmediate();
  const read = await Promise.all(
    wanted.map(async (one): Promise<Change> => {
      const path = parsePath(one.path);
      if (path === null)
        throw new AdminError("bad_request", "the path is not one of the configuration", { path: one.path });
      if (one.add !== undefined) {
        refuseReferences([...path, 0], one.add);
        return { kind: "insert", path, at: null, value: one.add };
      }
      refuseLocked(path, root, draft);
      if (one.value === undefined) return { kind: "remove", path };
      refuseReferences(path, one.value);
      return { kind: "set", path, value: await valueFor(context, path, one.value) };
    }),
  );
  const removals = read.filter(({ kind }) => kind === "remove").sort((a, b) => comparePaths(b.path, a.path));
  const changes = [
    ...read.filter(({ kind }) => kind === "set"),
    ...read.filter(({ kind }) => kind === "insert"),
    ...removals,
  ];
  refuseBeyondBounds(root, changes.reduce(applyChange, root), allowsPrivate(context));
  return changes;
}

function allowsPrivate({ snapshot }: AdminContext): boolean {
  return snapshot().config.admin?.allowPrivate === true;
}

function refuseLocked(path: Path, root: Tree, draft: Draft | null): void {
  const value = path.reduce<unknown>((at, step) => (at as Tree | undefined)?.[step], root);
  const reason = whyLocked(path, value, draft?.originOf(path) ?? null);
  if (reason !== null)
    throw new AdminError("locked", `this value cannot be changed here: ${reason}`, {
      path: renderPath(path),
      repair: "change it there",
    });
}

/** Who can sign in here could otherwise read any file and variable of the gateway. */
function refuseReferences(path: Path, value: unknown): void {
  if (isTree(value)) for (const [name, one] of Object.entries(value)) refuseReferences([...path, name], one);
  else if (Array.isArray(value)) value.forEach((one, index) => void refuseReferences([...path, index], one));
  else if (typeof value === "string" && isSecretAt(path) && !isLiteral(value))
    throw new AdminError("invalid", "a reference to a variable or a file cannot be set here", {
      path: renderPath(path),
      repair: "write it into the file by hand, or give the secret itself",
    });
}

/** A list of entries may get several; a value is set once, so that a hash of a password is made once. */
function refuseTwice(wanted: readonly WantedChange[]): void {
  const seen = new Set<string>();
  for (const { path, add } of wanted) {
    const id = JSON.stringify(parsePath(path));
    if (add === undefined && seen.has(id))
      throw new AdminError("bad_request", "the path is there twice", { path, repair: "send it once" });
    if (add === undefined) seen.add(id);
  }
}

async function valueFor(context: AdminContext, path: Path, value: unknown): Promise<unknown> {
  if (path[0] !== "admin") return value;
  if (path.length === 1 && isTree(value) && typeof value.password === "string")
    return { ...value, password: await hashOf(context, value.password) };
  const isPassword = path.length === 2 && path[1] === "password" && typeof value === "string";
  return isPassword ? await hashOf(context, value) : value;
}

async function withHashedPassword(context: AdminContext, now: Tree, text: string): Promise<string> {
  const password = passwordIn(parseToml(text).root);
  if (password === null || password === passwordIn(now)) return text;
  // What looks like a hash is checked as one, as in the file.
  if (!isLiteral(password) || password.startsWith("$")) return text;
  return withPassword(text, await hashOf(context, password));
}

function passwordIn({ admin }: Tree): string | null {
  return isTree(admin) && typeof admin.password === "string" ? admin.password : null;
}

/** The file never has the admin's password itself. */
async function hashOf({ hashPassword }: AdminContext, value: string): Promise<string> {
  if (value.length < 8)
    throw new AdminError("invalid", "is shorter than 8 characters", {
      path: "admin.password",
      repair: "use a longer one",
    });
  return await hashPassword(value);
}
