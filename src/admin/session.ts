/** Signing in and out. */
import type { ClientRequest } from "../http/client-request.ts";
import { type Access, isPlainHttp } from "./access/access.ts";
import { isHttps, noCookie, sessionIdOf } from "./access/cookie.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";
import type { Caller, Handlers } from "./handler.ts";

type Session = ReplyOf<"getSession">;

export function makeSessionHandlers(
  context: AdminContext,
  access: Access,
): Pick<Handlers, "getSession" | "signIn" | "signOut" | "signOutAll"> {
  return {
    async getSession({ client, caller }) {
      const lockedSettings = caller === null ? null : await context.settings.whyLocked();
      const session = { ...describe(context, client, caller), lockedSettings };
      const id = caller?.kind === "session" ? sessionIdOf(client) : null;
      const row = id === null ? null : access.sessions.find(id);
      const renewed = row === null ? null : access.sessions.renew(row);
      return Response.json(session, {
        headers: renewed === null ? {} : { "set-cookie": access.cookieOf(client, renewed) },
      });
    },
    async signIn({ client, body: { password, link } }) {
      const made =
        password === undefined
          ? access.signInWithLink(client, link ?? "")
          : await access.signInWithPassword(client, password);
      return new Response(null, { status: 204, headers: { "set-cookie": access.cookieOf(client, made) } });
    },
    signOut({ client, caller }) {
      if (caller?.kind === "session") access.sessions.end(caller.idSha256);
      return signedOut(client);
    },
    signOutAll({ client }) {
      access.sessions.endAll();
      return signedOut(client);
    },
  };
}

function signedOut(client: ClientRequest): Response {
  return new Response(null, { status: 204, headers: { "set-cookie": noCookie(client) } });
}

function describe(
  context: AdminContext,
  client: ClientRequest,
  caller: Caller | null,
): Omit<Session, "lockedSettings"> {
  const isSignedIn = caller !== null;
  return {
    signedIn: isSignedIn,
    csrf: caller?.kind === "session" ? caller.csrf : null,
    expiresAtMs: caller?.kind === "session" ? caller.expiresAtMs : null,
    isPlainHttp: isPlainHttp(client),
    version: isSignedIn ? context.version : null,
    baseUrl: isSignedIn ? (context.mainUrl() ?? ownUrl(context, client)) : null,
  };
}

/** The gateway is where the page is. The frame has checked the name in `Host`. */
function ownUrl(context: AdminContext, client: ClientRequest): string {
  const { basePath } = context.snapshot().config.server;
  return `${isHttps(client) ? "https" : "http"}://${client.headers.get("host")}${basePath}`;
}
