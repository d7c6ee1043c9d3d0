/** Requests that the admin itself makes: they take the ordinary way, as the principal of the admin. */
import { Buffer } from "node:buffer";
import { AdminError } from "../admin/admin-error.ts";
import type { AdminContext, OwnRequest } from "../admin/context.ts";
import { adminIn } from "../auth/admin-key.ts";
import type { Principal } from "../auth/keys.ts";
import { HeaderList } from "../core/header-view.ts";
import { routeOfPath } from "../explain/route-of-path.ts";
import type { ClientRequest, PinnedTo } from "../http/client-request.ts";
import type { Gateway } from "../proxy/gateway.ts";
import { handle } from "../proxy/handle.ts";

/** What the page's connection has of its own. Credentials of clients reach no upstream by any name. */
const NOT_PASSED = /^(?:host|cookie|authorization|connection|content-.*|transfer-.*|x-forwarded-.*)$/;

export function makeSend(gateway: Gateway): AdminContext["send"] {
  return (client, request, credential) => {
    const { route, search } = routeOf(request.path);
    const [upstream = "", name = ""] = credential?.split("/") ?? [];
    const pinnedTo =
      credential === null
        ? null
        : { id: "", upstream, credential: name, atMs: gateway.clock.nowMs(), isTest: true };
    return handle(
      gateway,
      route,
      new OwnClient(client, request, search, pinnedTo),
      principalOf(gateway, null),
    );
  };
}

export function makeExplain(gateway: Gateway): AdminContext["explain"] {
  return async ({ path, body }, key) => {
    const { explain } = await import("../explain/explain.ts");
    const atMs = gateway.clock.nowMs();
    return explain(gateway, {
      ...routeOf(path),
      body: bytesOf(body),
      headers: new Headers({ "content-type": "application/json" }),
      principal: principalOf(gateway, key),
      id: gateway.ids.ulid(atMs),
      atMs,
    });
  };
}

function routeOf(path: string) {
  const found = routeOfPath(path);
  if (found !== null) return found;
  throw new AdminError("bad_request", '"path" is none of the routes of models', {
    path: "path",
    repair: "docs/routes.md lists them",
  });
}

function principalOf({ snapshot }: Gateway, key: string | null): Principal {
  if (key === null) {
    const own = adminIn(snapshot.keys);
    if (own !== undefined) return own;
    throw new AdminError("conflict", 'a client key has the name "admin", so the admin cannot make requests', {
      repair: "give that key another name",
    });
  }
  const found = snapshot.keys.values().find(({ name }) => name === key);
  if (found !== undefined) return found;
  throw new AdminError("not_found", "there is no client key with this name in force", { path: "key" });
}

function bytesOf(body: OwnRequest["body"]): Buffer {
  return Buffer.from(JSON.stringify(body), "utf8");
}

/** The page's connection, with another request on it. */
class OwnClient implements ClientRequest {
  readonly request: Request;
  readonly method = "POST";
  readonly headers: HeaderList;
  readonly search: string;
  readonly pinnedTo?: PinnedTo;
  readonly #client: ClientRequest;

  constructor(client: ClientRequest, request: OwnRequest, search: string, pinnedTo: PinnedTo | null) {
    this.#client = client;
    this.search = search;
    if (pinnedTo !== null) this.pinnedTo = pinnedTo;
    const headers = new Headers({ "content-type": "application/json" });
    for (const [name, value] of Object.entries(request.headers)) {
      if (!NOT_PASSED.test(name.toLowerCase())) headers.set(name, value);
    }
    const { signal } = client.request;
    const body = bytesOf(request.body);
    this.request = new Request("http://gateway.invalid/", { method: "POST", headers, body, signal });
    this.headers = HeaderList.of(headers);
  }

  address(): string | null {
    return this.#client.address();
  }

  limitSilence(): void {
    this.#client.limitSilence();
  }

  suspendIdleTimeout(): void {
    this.#client.suspendIdleTimeout();
  }

  restoreIdleTimeout(): void {
    this.#client.restoreIdleTimeout();
  }
}
