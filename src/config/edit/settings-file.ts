/**
 * Changes of the configuration file while the gateway runs: each is checked as the file is, written whole or not at all,
 * and in force when the call returns.
 */

import { access, constants, readFile, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { codeOf } from "../../core/files/regular-file.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { Ids } from "../../core/ids.ts";
import { writeAtomically } from "../atomic-file.ts";
import { keysForNextStart } from "../change/restart.ts";
import type { Config } from "../config.ts";
import type { Draft } from "../draft.ts";
import type { LoadedConfig } from "../load.ts";
import { ConfigError, type Problem } from "../problem.ts";
import type { Change } from "./change.ts";
import { readText } from "./edit-toml.ts";
import { KeptTexts } from "./kept-texts.ts";
import { differencesOf, type NamedDifference } from "./named-settings.ts";
import { type Clash, type EditedText, editAll, rebase } from "./rebase.ts";

export interface SettingsFileOptions {
  /** Absolute; null: the gateway runs without one. */
  readonly file: string | null;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Reads and checks the file, or a text in its place. Throws `ConfigError`. */
  readonly check: (text: string) => Promise<LoadedConfig>;
  /** Reads a text in place of the file and checks nothing. Throws `ConfigError` for what is not TOML. */
  readonly draft: (text: string) => Promise<Draft>;
  readonly inForce: () => Config;
  /** Why the gateway would not take this configuration over, although it is valid. */
  readonly refusals: (config: Config) => readonly Problem[];
  /** Takes the file over; the problems when it does not. */
  readonly reload: () => Promise<readonly Problem[]>;
}

const WITHOUT_FILE = "the gateway runs without a configuration file";

export interface ReadSettings {
  /** Changes with every byte of the file. */
  readonly revision: string;
  readonly text: string;
}

/** What came of a change. Differences and clashes hold secrets. */
export type ChangeResult =
  | {
      readonly kind: "locked";
      readonly reason: string;
      /** What was to be changed. */
      readonly differences: readonly NamedDifference[];
    }
  | { readonly kind: "clash"; readonly revision: string; readonly clashes: readonly Clash[] }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  | MadeChange;

export interface MadeChange {
  readonly kind: "made";
  readonly revision: string;
  readonly differences: readonly NamedDifference[];
  /** Keys that take effect at the next start. */
  readonly atNextStart: readonly string[];
  /** Others had changed the file in between, elsewhere. */
  readonly isMerged: boolean;
  /** The whole file before. */
  readonly textBefore: string;
  /** What brings the values back when others have changed the file since; none for a replaced file. */
  readonly inverse: readonly Change[];
}

export class SettingsFile {
  readonly #options: SettingsFileOptions;
  /** The texts that pages may still show. */
  readonly #known: KeptTexts<string>;
  #turn: Promise<unknown> = Promise.resolve();
  #lastWriteFault: string | null = null;

  constructor(options: SettingsFileOptions) {
    this.#options = options;
    this.#known = new KeptTexts(options.clock, (text) => text.length);
  }

  /** The file as it is. Throws `ConfigError` when it cannot be read. */
  async read(): Promise<ReadSettings> {
    const { file } = this.#options;
    if (file === null) throw new ConfigError([]);
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new ConfigError([
        problem(file, `the file cannot be read (${codeOf(error)})`, "check the permissions"),
      ]);
    });
    const text = textOf(file, bytes);
    const revision = sha256Hex(bytes).slice(0, 32);
    this.#known.keep(revision, text);
    return { revision, text };
  }

  /** What a text says in place of the file, unchecked. Throws `ConfigError` for what is not TOML. */
  draft(text: string): Promise<Draft> {
    return this.#options.draft(text);
  }

  get file(): string | null {
    return this.#options.file;
  }

  /** Why no setting can be changed; null: they can. */
  async whyLocked(): Promise<string | null> {
    const { file } = this.#options;
    if (file === null) return WITHOUT_FILE;
    try {
      const real = await realpath(file);
      await access(real, constants.W_OK);
      await access(dirname(real), constants.W_OK);
    } catch (error) {
      return `the file or its folder cannot be written (${codeOf(error)})`;
    }
    return this.#lastWriteFault;
  }

  /**
   * Makes changes of the file that had the revision `base`. `make` gets that file's text, so that paths mean what they
   * meant there. With `isTrial` nothing is written.
   */
  change(
    base: string | null,
    make: (text: string) => readonly Change[] | Promise<readonly Change[]>,
    isTrial = false,
  ): Promise<ChangeResult> {
    const result = this.#turn.then(() => this.#change(base, make, isTrial));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Replaces the whole text. */
  replace(base: string, text: string, isTrial: boolean): Promise<ChangeResult> {
    const result = this.#turn.then(async (): Promise<ChangeResult> => {
      if (this.#options.file === null) return { kind: "locked", reason: WITHOUT_FILE, differences: [] };
      const now = await this.read();
      if (now.revision !== base) return { kind: "clash", revision: now.revision, clashes: [] };
      const facts = () => ({ before: readText(now.text).root, root: readText(text).root, inverse: [] });
      return await this.#commit(now, text, facts, { isTrial, isMerged: false });
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  close(): void {
    this.#known.close();
  }

  async #change(
    base: string | null,
    make: (text: string) => readonly Change[] | Promise<readonly Change[]>,
    isTrial: boolean,
  ): Promise<ChangeResult> {
    if (this.#options.file === null) return { kind: "locked", reason: WITHOUT_FILE, differences: [] };
    const now = await this.read();
    if (base === null || base === now.revision) {
      const edited = await editAll(now.text, await make(now.text));
      return await this.#commit(now, edited.text, () => edited, { isTrial, isMerged: false });
    }
    const known = this.#known.find(base);
    if (known === null) return { kind: "clash", revision: now.revision, clashes: [] };
    const rebased = await rebase(known, now.text, await make(known));
    if (!rebased.ok) return { kind: "clash", revision: now.revision, clashes: rebased.clashes };
    const { edited } = rebased;
    return await this.#commit(now, edited.text, () => edited, { isTrial, isMerged: true });
  }

  async #commit(
    now: ReadSettings,
    text: string,
    /** Asked once the text is known to be good. */
    factsOf: () => Omit<EditedText, "text">,
    { isTrial, isMerged }: { readonly isTrial: boolean; readonly isMerged: boolean },
  ): Promise<ChangeResult> {
    const { check, refusals, inForce } = this.#options;
    const before = inForce();
    let after: Config;
    try {
      after = (await check(text)).config;
    } catch (error) {
      if (error instanceof ConfigError) return { kind: "invalid", problems: error.problems };
      throw error;
    }
    const refused = refusals(after);
    if (refused.length > 0) return { kind: "invalid", problems: refused };
    const { before: rootBefore, root, inverse } = factsOf();
    const made = {
      kind: "made",
      differences: differencesOf(rootBefore, root),
      atNextStart: keysForNextStart(before, after),
      isMerged,
      textBefore: now.text,
      inverse,
    } as const;
    if (isTrial) return { ...made, revision: now.revision };
    const fault = await this.#write(now, text, made.differences);
    return fault ?? { ...made, revision: (await this.read()).revision };
  }

  async #write(
    now: ReadSettings,
    text: string,
    differences: readonly NamedDifference[],
  ): Promise<ChangeResult | null> {
    const { reload, ids } = this.#options;
    const file = this.#options.file as string;
    const locked = await this.whyLocked();
    if (locked !== null && this.#lastWriteFault === null)
      return { kind: "locked", reason: locked, differences };
    // An editor may have written the file since it was read.
    const again = await this.read();
    if (again.revision !== now.revision) return { kind: "clash", revision: again.revision, clashes: [] };
    try {
      await writeAtomically(file, text, ids.hex(4));
      this.#lastWriteFault = null;
    } catch (error) {
      const code = codeOf(error);
      const reason = `the file cannot be written (${code})`;
      // A full disk has room again some time; a file that is mounted by itself cannot be replaced ever.
      this.#lastWriteFault = code === "ENOSPC" || code === "EDQUOT" ? null : reason;
      return { kind: "locked", reason, differences };
    }
    const problems = await reload();
    if (problems.length === 0) return null;
    await writeAtomically(file, now.text, ids.hex(4));
    await reload();
    return { kind: "invalid", problems };
  }
}

function textOf(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError([problem(file, "the file is not UTF-8", "save the file as UTF-8")]);
  }
}

function problem(file: string, message: string, repair: string): Problem {
  return { file, line: null, column: null, key: "", value: null, message, repair };
}
