/**
 * Who else on this machine can change or read what the gateway trusts: its configuration, the secrets in files, and its
 * data. Whoever can change one of them has the provider's keys, or the record of the money.
 */
import { existsSync, lstatSync, readFileSync, type Stats, statfsSync, statSync } from "node:fs";
import { platform, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { shellWord } from "../../core/shell-word.ts";
import { shownName } from "../file.ts";
import { ConfigError, type Problem } from "../problem.ts";

/** A file or folder that others can reach. */
export interface SharedPath {
  readonly path: string;
  /** Its name for messages. */
  readonly name: string;
  readonly kind: "file" | "folder";
  /** The gateway does not start; else it warns. */
  readonly isRefused: boolean;
  readonly message: string;
  readonly repair: string;
}

/** What a gateway trusts. */
export interface TrustedPaths {
  /** null: there is no configuration file. */
  readonly file: string | null;
  /** The file itself has secrets in it. */
  readonly hasSecrets: boolean;
  /** Files of secrets and certificates; may have `file` among them. */
  readonly readFiles: readonly { readonly path: string }[];
  /** As `dataFolderIn` gives it. */
  readonly dataDir: string;
  readonly cwd: string;
}

/** The configuration may be good, but others can change what it trusts. */
export class SharedPathsError extends ConfigError {}

/** The folder in a data folder that everybody can write, and the database in either. */
const PRIVATE_FOLDER = "private";
const DATABASE = "ledger.db";

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const OTHERS_READ = 0o004;
const ALL_OF_OTHERS = 0o007;
const ALL_BUT_OWNER = 0o077;
const MAX_CERTIFICATE_BYTES = 1_048_576;

/**
 * File systems that show the same mode for every file, whoever can reach it (magic numbers of statfs(2), and of the
 * modules that shares of virtual machines use).
 */
const WITHOUT_MODES: ReadonlySet<number> = new Set([
  0x4d44, // FAT
  0x2011bab0, // exFAT
  0x5346544e, // NTFS
  0x7366746e, // ntfs3
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x01021997, // 9p: drives of Windows in WSL
  0x65735546, // FUSE: folders of the host in Docker Desktop
  0x786f4256, // VirtualBox
  0xbacbacbc, // VMware
  0x7c7c6673, // Parallels
]);

/**
 * The folder that holds the data. A folder that everybody can write, as volumes of containers often are, gets a private
 * folder for it, unless a database is there already; the private folder stays in use when the mode is changed later.
 */
export function dataFolderIn(dataDir: string): string {
  if (existsSync(join(dataDir, DATABASE))) return dataDir;
  const inner = join(dataDir, PRIVATE_FOLDER);
  const isNeeded = existsSync(join(inner, DATABASE)) || isWritableByAll(dataDir);
  return isNeeded ? inner : dataDir;
}

/** All of the trusted paths that others can reach, the configuration first. Throws the system's own errors. */
export function findSharedPaths(paths: TrustedPaths): readonly SharedPath[] {
  const { file, hasSecrets, readFiles, dataDir, cwd } = paths;
  const others = new Set(readFiles.map((one) => one.path).filter((path) => path !== file));
  return [
    ...(file === null ? [] : sharedFile(file, hasSecrets, cwd)),
    ...[...others].flatMap((path) => sharedFile(path, !isPublic(path), cwd)),
    ...sharedFolder(dataDir),
  ];
}

/** Throws `SharedPathsError` when others can change the configuration file. */
export function refuseSharedFile(file: string, cwd: string): void {
  const refused = sharedFile(file, false, cwd).filter(({ isRefused }) => isRefused);
  if (refused.length > 0) throw new SharedPathsError(refused.map(problemOfShared));
}

/** As messages show it. The repair of a refusal names the flag that waives it. */
export function problemOfShared({ name, isRefused, message, repair }: SharedPath): Problem {
  const waiver = isRefused ? ", or start with --allow-shared-files" : "";
  return { file: name, line: null, column: null, key: "", value: null, message, repair: repair + waiver };
}

function sharedFile(path: string, isSecret: boolean, cwd: string): SharedPath[] {
  const mode = modeOf(path, "file");
  const name = shownName(path, cwd);
  const repair = `make the file private: chmod 600 ${shellWord(name)}`;
  const found = (isRefused: boolean, message: string): SharedPath[] => [
    { path, name, kind: "file", isRefused, message, repair },
  ];
  if ((mode & OTHERS_WRITE) !== 0) return found(true, "everybody on this machine can change the file");
  if ((mode & GROUP_WRITES) !== 0) return found(false, "the group of the file can change it");
  if (!isSecret || (mode & OTHERS_READ) === 0) return [];
  return found(false, "the file contains secrets, and everybody on this machine can read it");
}

/** Certificates are no secrets. */
function isPublic(path: string): boolean {
  const stats = statsOf(path);
  if (stats === null || !stats.isFile() || stats.size > MAX_CERTIFICATE_BYTES) return false;
  const text = readFileSync(path, "latin1");
  return text.includes("-----BEGIN CERTIFICATE-----") && !text.includes("PRIVATE KEY-----");
}

function sharedFolder(path: string): SharedPath[] {
  const mode = modeOf(path, "folder");
  const found = (
    isRefused: boolean,
    message: string,
    repair = `chmod 700 ${shellWord(path)}`,
  ): SharedPath[] => [{ path, name: path, kind: "folder", isRefused, message, repair }];
  if (isOfAnother(path)) {
    const message = "another user has made this folder, in a folder that everybody can write";
    return found(true, message, "remove it, or name another folder in server.data_dir");
  }
  if ((mode & OTHERS_WRITE) !== 0) return found(true, "everybody on this machine can change the folder");
  if ((mode & GROUP_WRITES) !== 0) return found(false, "the group of the folder can change it");
  if ((mode & ALL_OF_OTHERS) !== 0) return found(false, "others on this machine can look into the folder");
  const parent = dirname(path);
  if (!isPrivateFolder(path)) return [];
  return [
    {
      path: parent,
      name: parent,
      kind: "folder",
      isRefused: false,
      message: `everybody on this machine can change the folder, so the data is in ${PRIVATE_FOLDER}/ within it`,
      repair: `chmod 700 ${shellWord(parent)}`,
    },
  ];
}

/** Only the private folder is judged by its owner: who has made another data folder is the operator's affair. */
function isOfAnother(path: string): boolean {
  if (!isPrivateFolder(path)) return false;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (!stats.isDirectory() || stats.uid !== userInfo().uid);
}

function isPrivateFolder(path: string): boolean {
  return basename(path) === PRIVATE_FOLDER && isWritableByAll(dirname(path));
}

function isWritableByAll(folder: string): boolean {
  return (modeOf(folder, "folder") & OTHERS_WRITE) !== 0;
}

/** null: it cannot be looked at. Whoever uses it tells why. */
function statsOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** The permissions of group and others; 0: none, or the path cannot be looked at, or its file system keeps none. */
function modeOf(path: string, kind: SharedPath["kind"]): number {
  if (platform() === "win32") return 0;
  const stats = statsOf(path);
  if (stats === null || !(kind === "file" ? stats.isFile() : stats.isDirectory())) return 0;
  const mode = stats.mode & ALL_BUT_OWNER;
  return mode === 0 || WITHOUT_MODES.has(statfsSync(path).type >>> 0) ? 0 : mode;
}
