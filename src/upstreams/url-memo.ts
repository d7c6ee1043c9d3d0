/** Remembers the URLs of an upstream, because requests ask for the same few again and again. */
import type { Family, Server } from "./family.ts";

/** Clients choose ids and models within paths, so bounds keep memory small. */
const MAX_REMEMBERED = 256;
const MAX_PATH_CHARS = 512;

interface RememberedUrl {
  readonly model: string;
  readonly isStream: boolean;
  readonly url: string;
}

export class UrlMemo {
  readonly #family: Pick<Family, "url">;
  readonly #server: Server;
  /** The last URL of each path. */
  readonly #byPath = new Map<string, RememberedUrl>();

  constructor(family: Pick<Family, "url">, server: Server) {
    this.#family = family;
    this.#server = server;
  }

  /** See `Family.url`. */
  urlOf(path: string, model: string, isStream: boolean): string {
    const known = this.#byPath.get(path);
    if (known !== undefined && known.model === model && known.isStream === isStream) return known.url;
    const url = this.#family.url(this.#server, path, model, isStream);
    if (path.length > MAX_PATH_CHARS) return url;
    if (this.#byPath.size >= MAX_REMEMBERED) this.#byPath.clear();
    this.#byPath.set(path, { model, isStream, url });
    return url;
  }
}
