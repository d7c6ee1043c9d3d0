/**
 * Loads the configuration: reads the file, applies the overrides, checks everything, and reports every
 * problem at once.
 */
import { dirname, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  dataFolderIn,
  findSharedPaths,
  problemOfShared,
  SharedPathsError,
  type TrustedPaths,
} from "./access/shared-paths.ts";
import { checkAlerts } from "./alerts/alert-checks.ts";
import { CHANNEL_SECRETS } from "./alerts/schema-alerts.ts";
import { buildConfig, type ResolvedPaths, sha256 } from "./build.ts";
import { type CertificatePair, findCertificateFault, readPem } from "./certificate.ts";
import { versionOf } from "./change/watch.ts";
import { checkTogether } from "./checks.ts";
import type { Config } from "./config.ts";
import { checkGoogleKey, takesGoogleKey, withMachineCredentials } from "./credentials/check-google-keys.ts";
import { Draft } from "./draft.ts";
import { applyOverrides, type ConfigFlags, type Env, warnOfUnknownVariables } from "./environment.ts";
import { readToml, readTomlText, shownName } from "./file.ts";
import { type HashPassword, isPasswordHash, refuseBrokenHash } from "./first-run/password-hash.ts";
import { resolvePath, stateFolder } from "./folders.ts";
import { holdToSchema } from "./issues.ts";
import { KEY_HASH_PREFIX } from "./key-values.ts";
import { directVias, resolveVias } from "./network/resolve-vias.ts";
import { ConfigError, type Path, type Problem } from "./problem.ts";
import { isLiteral, referencedFile, referencedVariable, resolveSecret } from "./secret.ts";
import type { TomlFile } from "./toml/toml.ts";
import { addKeyless } from "./upstreams/keyless.ts";

export interface LoadOptions {
  /** From `findConfigFile`; null: only defaults, environment and flags. */
  readonly file: string | null;
  /** What the file would say, in place of what it says: to check a change before it is made. */
  readonly text?: string;
  readonly env: Env;
  readonly flags: ConfigFlags;
  readonly cwd: string;
  /**
   * Makes the argon2id hash of a plain password. Without this function a plain password leaves the admin off.
   */
  readonly hashPassword?: HashPassword;
  /**
   * false: for tools that only need paths. References are not followed, secrets are empty, the admin is off,
   * and TLS files need not be readable, because the tool may run as another user than the gateway.
   */
  readonly needsSecrets?: boolean;
  /** What becomes of files and folders that others can reach: `refuse` (default) those that others can change. */
  readonly sharedFiles?: "refuse" | "warn" | "ignore";
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** The values as they are written, with their sources. Holds secrets. */
  readonly draft: Draft;
}

/**
 * Throws `ConfigError` with all problems. Warnings are about a configuration that works but is unwise. Works in several
 * turns of the event loop: a gateway whose file has thousands of entries serves meanwhile.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { env, cwd } = options;
  const file = options.file === null ? null : resolve(cwd, options.file);
  const baseDir = file === null ? cwd : dirname(file);
  const draft = await loadDraft(options);
  addKeyless(draft);
  await setImmediate();
  const checked = holdToSchema(draft);
  await setImmediate();
  checkTogether(draft);
  await setImmediate();
  const needsSecrets = options.needsSecrets ?? true;
  const secrets = needsSecrets ? await resolveSecrets(draft, env, baseDir, cwd) : emptySecrets(draft);
  checkAlerts(draft, secrets.texts);
  const paths = await resolvePaths(draft, env, baseDir, cwd, needsSecrets);
  const vias = needsSecrets
    ? await resolveVias({ draft, secrets: secrets.texts, env, baseDir })
    : directVias(draft);
  if (checked === null || draft.problems.length > 0) {
    throw new ConfigError(inOrder(draft.problems), draft.readFiles);
  }

  warnOfUnknownVariables(draft, env, secrets.variables);
  const { sharedFiles = "refuse" } = options;
  if (needsSecrets && sharedFiles !== "ignore") {
    const { hasLiterals: hasSecrets } = secrets;
    const trusted = { file, hasSecrets, readFiles: draft.readFiles, dataDir: paths.dataDir, cwd };
    judgePaths(draft, trusted, sharedFiles === "warn");
  }
  if (checked.upstreams.length === 0) {
    draft.warn(
      [],
      "there are no upstreams, so no model can be reached",
      "add [[upstreams]] with a name, a family and credentials",
    );
  }
  if (checked.keys.length === 0) {
    draft.warn(
      [],
      "there are no keys, so every request is refused, unless `clewline keys` has made some",
      "add [[keys]] with a name and a key, or make one: clewline keys create NAME",
    );
  }
  await setImmediate();
  const passwordHash = await hashOf(secrets.texts.get("admin.password"), options.hashPassword);
  if (needsSecrets && checked.admin !== undefined && passwordHash === null) {
    draft.warn(
      ["admin"],
      "has no password, so the admin is off",
      "start Clewline once: the start makes a password and keeps its hash here",
    );
  }
  const config = buildConfig({
    file,
    hasSecrets: secrets.hasLiterals,
    readFiles: draft.readFiles,
    checked,
    secrets: secrets.texts,
    vias,
    paths,
    passwordHash,
  });
  return { config, warnings: inOrder(draft.warnings), draft };
}

/** What the file and its overrides say, and from where; nothing is checked. Throws `ConfigError` for what is not TOML. */
export async function loadDraft(options: Omit<LoadOptions, "hashPassword" | "needsSecrets">): Promise<Draft> {
  const { env, flags, cwd } = options;
  const file = options.file === null ? null : resolve(cwd, options.file);
  const version = file === null ? "" : await versionOf(file);
  const toml = file === null ? null : await tomlOf(file, cwd, options.text);
  const draft = new Draft(file === null ? null : shownName(file, cwd), toml);
  if (file !== null) draft.readFiles.push({ path: file, version });
  if (toml !== null && Object.keys(toml.root).length === 0) refuseEmpty(draft);
  applyOverrides(draft, env, flags);
  return draft;
}

async function tomlOf(file: string, cwd: string, text: string | undefined): Promise<TomlFile> {
  return text === undefined ? await readToml(file, cwd) : readTomlText(text, shownName(file, cwd));
}

/** A full disk or a shell's `>` leaves such a file. Nobody means it: a start without a file makes a better one. */
function refuseEmpty(draft: Draft): void {
  draft.refuse([], "the file is empty", "restore it, with [[keys]] and [[upstreams]] at least");
}

interface Secrets {
  /** By path in the file, as in `keys.0.key`. */
  readonly texts: ReadonlyMap<string, string>;
  /** The variables in `env:` values. */
  readonly variables: ReadonlySet<string>;
  readonly hasLiterals: boolean;
}

function secretPaths(draft: Draft): readonly Path[] {
  return [
    ["admin", "password"],
    ["metrics", "key"],
    ["network", "proxy"],
    ["alerts", "webhook"],
    ["alerts", "secret"],
    ...draft
      .tables(["alerts", "channels"])
      .flatMap(({ path }) => CHANNEL_SECRETS.map((name): Path => [...path, name])),
    ...draft.tables(["keys"]).map(({ path }): Path => [...path, "key"]),
    ...draft.tables(["upstreams"]).flatMap(({ path }) => [
      [...path, "proxy"],
      ...["headers", "query"].flatMap((list) =>
        draft.tables([...path, list]).map((member): Path => [...member.path, "value"]),
      ),
      ...draft.tables([...path, "credentials"]).flatMap((credential): Path[] => [
        [...credential.path, "api_key"],
        [...credential.path, "proxy"],
      ]),
    ]),
  ];
}

function emptySecrets(draft: Draft): Secrets {
  const paths = secretPaths(draft).filter((path) => path[0] === "keys" || path[0] === "upstreams");
  return {
    texts: new Map(paths.map((path) => [path.join("."), ""])),
    variables: referencedVariables(draft),
    hasLiterals: false,
  };
}

function referencedVariables(draft: Draft): ReadonlySet<string> {
  const names = secretPaths(draft).map((path) => {
    const written = draft.get(path);
    return typeof written === "string" ? referencedVariable(written) : null;
  });
  return new Set(names.filter((name) => name !== null));
}

async function resolveSecrets(draft: Draft, env: Env, baseDir: string, cwd: string): Promise<Secrets> {
  const texts = new Map<string, string>();
  const clientKeys = new Map<string, Path>();
  let hasLiterals = false;
  for (const path of secretPaths(draft)) {
    const written = draft.get(path);
    if (typeof written !== "string" || written.trim() === "") continue;
    const isPassword = path[0] === "admin";
    const folder = draft.originOf(path) === null ? baseDir : cwd;
    const isGoogles = takesGoogleKey(draft, path);
    const value = isGoogles ? withMachineCredentials(written, env, cwd) : written;
    const secretFile = referencedFile(value, env, folder);
    if (secretFile !== null) await draft.willRead(secretFile);
    const result = await resolveSecret(value, env, folder);
    if (!result.ok) {
      draft.refuse(path, result.message, result.repair);
      continue;
    }
    // Google's credentials are shown to no server as they are, so that they may hold any text.
    const isJson = isGoogles && checkGoogleKey(draft, path, { written, value, secret: result.text });
    if (isPassword) refuseBrokenHash(draft, path, result.text);
    else if (path.at(-1) !== "password" && !isJson && !formOf(path).test(result.text)) {
      draft.refuse(
        path,
        "contains characters that no header can carry",
        "use printable ASCII without spaces",
      );
    }
    const isPublic = path.at(-1) === "proxy" && !written.includes("@");
    const isSecretInFile =
      isLiteral(written) &&
      !isPublic &&
      draft.originOf(path) === null &&
      !(isPassword && isPasswordHash(written));
    hasLiterals ||= isSecretInFile;
    if (path[0] === "keys") refuseSecondUse(draft, clientKeys, path, sha256(result.text));
    texts.set(path.join("."), result.text);
  }
  for (const { table, path } of draft.tables(["keys"])) {
    if (typeof table.key_hash !== "string") continue;
    const digest = table.key_hash.toLowerCase().slice(KEY_HASH_PREFIX.length);
    refuseSecondUse(draft, clientKeys, [...path, "key_hash"], digest);
  }
  return { texts, variables: referencedVariables(draft), hasLiterals };
}

/** A fixed member of requests may hold spaces, and a key never does. */
function formOf(path: Path): RegExp {
  return path.at(-1) === "value" ? /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/ : /^[\x21-\x7e]+$/;
}

function refuseSecondUse(draft: Draft, firsts: Map<string, Path>, path: Path, digest: string): void {
  const first = firsts.get(digest);
  if (first === undefined) firsts.set(digest, path);
  else draft.refuse(path, `is the same key as keys[${first[1]}]`, "give each client a key of its own");
}

async function resolvePaths(
  draft: Draft,
  env: Env,
  baseDir: string,
  cwd: string,
  mustBeReadable: boolean,
): Promise<ResolvedPaths> {
  const at = (path: Path): string | null => {
    const written = draft.get(path);
    if (typeof written !== "string" || written.trim() === "") return null;
    return resolvePath(written, draft.originOf(path) === null ? baseDir : cwd, env);
  };
  const certFile = at(CERT) ?? "";
  const keyFile = at(KEY) ?? "";
  const pair = mustBeReadable ? await readCertificate(draft, certFile, keyFile) : { cert: "", key: "" };
  const dataDir = dataFolderIn(at(["server", "data_dir"]) ?? stateFolder(env));
  return { dataDir, certFile, keyFile, ...pair };
}

const CERT: Path = ["server", "tls", "cert_file"];
const KEY: Path = ["server", "tls", "key_file"];

/** Empty texts where a file is not named, or was refused. */
async function readCertificate(draft: Draft, certFile: string, keyFile: string): Promise<CertificatePair> {
  const problems = draft.problems.length;
  const cert = certFile === "" ? "" : await readPem(draft, CERT, certFile);
  const key = keyFile === "" ? "" : await readPem(draft, KEY, keyFile);
  if (certFile === "" || keyFile === "" || draft.problems.length > problems) return { cert, key };
  const fault = await findCertificateFault({ cert, key }, CERT, KEY);
  if (fault !== null) draft.refuse(fault.path, fault.message, fault.repair);
  return { cert, key };
}

/** Throws `SharedPathsError` for what others can change, unless that is waived. */
function judgePaths(draft: Draft, trusted: TrustedPaths, isWaived: boolean): void {
  const shared = findSharedPaths(trusted);
  const refused = isWaived ? [] : shared.filter(({ isRefused }) => isRefused);
  if (refused.length > 0) throw new SharedPathsError(refused.map(problemOfShared), draft.readFiles);
  draft.warnings.push(...shared.map(problemOfShared));
}

async function hashOf(
  password: string | undefined,
  hashPassword: HashPassword | undefined,
): Promise<string | null> {
  if (password === undefined) return null;
  if (isPasswordHash(password)) return password;
  return hashPassword === undefined ? null : await hashPassword(password);
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}
