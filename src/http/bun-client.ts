/** A client's request on Bun's server. */
import { HeaderList } from "../core/header-view.ts";
import type { AddressReader } from "./address.ts";
import type { ClientRequest } from "./client-request.ts";

export type BunServer = Bun.Server<undefined>;

/** How long a connection may be silent, in Bun's seconds. */
export interface ConnectionClocks {
  /** Between requests. */
  readonly idleS: number;
  /** While the client sends a body that takes its time. */
  readonly sendingS: number;
}

export class BunClient implements ClientRequest {
  readonly request: Request;
  readonly method: string;
  readonly headers: HeaderList;
  readonly #server: BunServer;
  readonly #peer: string | null;
  readonly #readAddress: AddressReader;
  readonly #clocks: ConnectionClocks;
  /** The connection's clock is not the one for the time between requests. */
  #isChanged = false;
  readonly search: string;

  constructor(request: Request, server: BunServer, readAddress: AddressReader, clocks: ConnectionClocks) {
    this.request = request;
    this.method = request.method;
    // Read once: each look into Bun's headers makes the value's string anew.
    this.headers = HeaderList.of(request.headers);
    const { url } = request;
    const queryAt = url.indexOf("?");
    this.search = queryAt < 0 ? "" : url.slice(queryAt);
    this.#server = server;
    this.#readAddress = readAddress;
    this.#clocks = clocks;
    // Read now: Bun no longer knows the address once the client has left.
    this.#peer = server.requestIP(request)?.address ?? null;
  }

  /** The other end of the connection, which may be a proxy. */
  get peer(): string | null {
    return this.#peer;
  }

  address(): string | null {
    return this.#readAddress(this.#peer, this.headers.get("x-forwarded-for"));
  }

  limitSilence(): void {
    this.#isChanged = true;
    this.#server.timeout(this.request, this.#clocks.sendingS);
  }

  suspendIdleTimeout(): void {
    this.#isChanged = true;
    this.#server.timeout(this.request, 0);
  }

  restoreIdleTimeout(): void {
    if (this.#isChanged) this.#server.timeout(this.request, this.#clocks.idleS);
  }
}
