/**
 * Whom a provider counts limits for: an organization or a project, which replies name, or one credential as long as none
 * is named. Credentials of one account share the room that was announced, and a limit that was refused.
 */
import type { Park } from "./park.ts";
import { QuotaBook } from "./quota-book.ts";

/** Clients choose the names of models, so bounds keep memory small. */
const MAX_BOOKS = 256;
const MAX_MODEL_CHARS = 256;
/** The place of what holds for all models. */
const ALL = "";

export class Account {
  /** null: no reply has named one, so the account is one credential's own. */
  readonly owner: string | null;
  /** So many credentials are in it; 0 where it is one's own. */
  members = 0;
  /** Nothing is known: the account stands in nobody's way. */
  isBlank = true;
  #whole: QuotaBook | null = null;
  readonly #books = new Map<string, QuotaBook>();
  readonly #refusals = new Map<string, Park>();
  constructor(owner: string | null) {
    this.owner = owner;
  }

  /** The limits that hold for all models; null: none is known. */
  get whole(): QuotaBook | null {
    return this.#whole;
  }

  /** The limits of a model; null: none is known. */
  bookOf(model: string): QuotaBook | null {
    return this.#books.size === 0 ? null : (this.#books.get(model) ?? null);
  }

  /** null: the name is none of a model. `model` null: the limits are those of all models. */
  openBook(model: string | null): QuotaBook | null {
    this.isBlank = false;
    if (model === null) {
      this.#whole ??= new QuotaBook();
      return this.#whole;
    }
    const known = this.#books.get(model);
    if (known !== undefined) return known;
    if (model.length > MAX_MODEL_CHARS) return null;
    const oldest = this.#books.keys().next();
    if (this.#books.size >= MAX_BOOKS && !oldest.done) this.#books.delete(oldest.value);
    const book = new QuotaBook();
    this.#books.set(model, book);
    return book;
  }

  /** The books by model, "" for all models. */
  *books(): Iterable<readonly [model: string, book: QuotaBook]> {
    if (this.#whole !== null) yield [ALL, this.#whole];
    yield* this.#books;
  }

  /** Keeps the park of the member that was refused; `model` null: for all models. */
  refuse(model: string | null, park: Park): void {
    if (this.owner === null || (model !== null && model.length > MAX_MODEL_CHARS)) return;
    const oldest = this.#refusals.keys().next();
    if (this.#refusals.size >= MAX_BOOKS && !oldest.done) this.#refusals.delete(oldest.value);
    this.#refusals.set(model ?? ALL, park);
    this.isBlank = false;
  }

  /** The limit was refused to another member; null: it was not, or the park has ended. */
  refusalFor(model: string, own: Park | null, ownOfModel: Park | null): Park | null {
    if (this.#refusals.size === 0) return null;
    const ofModel = this.#refusals.get(model) ?? null;
    const ofAll = this.#refusals.get(ALL) ?? null;
    const park = (ofAll?.untilMs ?? 0) > (ofModel?.untilMs ?? 0) ? ofAll : ofModel;
    return park === own || park === ownOfModel ? null : park;
  }

  /** Nothing is known any more of what was announced and refused. */
  clear(): void {
    this.#whole = null;
    this.#books.clear();
    this.#refusals.clear();
    this.isBlank = true;
  }

  /** The park has ended, or has given way to another one. */
  forget(park: Park): void {
    for (const [model, known] of this.#refusals) if (known === park) this.#refusals.delete(model);
  }
}
