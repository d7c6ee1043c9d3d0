/** A client's request on Bun's server. */
import { HeaderList } from "../core/header-view.ts";
import type { AddressReader } from "./address.ts";
import type { ClientRequest } from "./client-request.ts";

export type BunServer = Bun.Server<undefined>;

export class BunClient implements ClientRequest {
  readonly request: Request;
  readonly method: string;
  readonly headers: HeaderList;
  readonly #server: BunServer;
  readonly #peer: string | null;
  readonly #readAddress: AddressReader;
  readonly #idleTimeoutS: number;
  #isWaiting = false;
  readonly search: string;

  constructor(request: Request, server: BunServer, readAddress: AddressReader, idleTimeoutS: number) {
    this.request = request;
    this.method = request.method;
    // Read once: each look into Bun's headers makes the value's string anew.
    this.headers = HeaderList.of(request.headers);
    const { url } = request;
    const queryAt = url.indexOf("?");
    this.search = queryAt < 0 ? "" : url.slice(queryAt);
    this.#server = server;
    this.#readAddress = readAddress;
    this.#idleTimeoutS = idleTimeoutS;
    // Read now: Bun no longer knows the address once the client has left.
    this.#peer = server.requestIP(request)?.address ?? null;
  }

  address(): string | null {
    return this.#readAddress(this.#peer, this.headers.get("x-forwarded-for"));
  }

  suspendIdleTimeout(): void {
    this.#isWaiting = true;
    this.#server.timeout(this.request, 0);
  }

  restoreIdleTimeout(): void {
    if (this.#isWaiting) this.#server.timeout(this.request, this.#idleTimeoutS);
  }
}
