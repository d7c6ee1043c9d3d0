/** Who calls the admin, and how one signs in. */

import { bearerOf, digestOf } from "../../auth/keys.ts";
import { isIP } from "../../core/addresses/ip-address.ts";
import type { ClientRequest } from "../../http/client-request.ts";
import { ADMIN_TOKEN_PREFIX, AdminAccessTable, type SessionRow } from "../../store/admin-access.ts";
import { Connection } from "../../store/connection.ts";
import { AdminError } from "../admin-error.ts";
import type { AdminContext } from "../context.ts";
import type { Caller } from "../handler.ts";
import { cookieFor, isHttps, sessionIdOf } from "./cookie.ts";
import { type MadeSession, Sessions } from "./sessions.ts";
import { TryBudget } from "./try-budget.ts";
import { Turns } from "./turns.ts";

/** A check of a password takes a core and 64 MB, which streams need as well. */
const CHECKS_AT_ONCE = 2;
/** The member of a body with the current password. */
const CONFIRMED_BY = "currentPassword";

type AccessContext = Pick<AdminContext, "clock" | "ids" | "log" | "snapshot" | "open" | "verifyPassword">;

export class Access {
  readonly #context: AccessContext;
  readonly #connection: Connection<AdminAccessTable>;
  readonly sessions: Sessions;
  readonly #tries: TryBudget;
  readonly #turns = new Turns(CHECKS_AT_ONCE);

  constructor(context: AccessContext) {
    this.#context = context;
    this.#connection = new Connection(context.open, (sql) => new AdminAccessTable(sql));
    this.sessions = new Sessions({
      connection: this.#connection,
      clock: context.clock,
      ids: context.ids,
      passwordHash: () => context.snapshot().config.admin?.passwordHash ?? null,
    });
    this.#tries = new TryBudget(context.clock);
  }

  /** null: nobody. Throws `StoreError`. */
  callerOf(client: ClientRequest): Caller | null {
    const authorization = client.headers.get("authorization");
    if (authorization !== null) return this.#ofToken(bearerOf(authorization));
    const id = sessionIdOf(client);
    const row = id === null || id === "" ? null : this.sessions.find(id);
    return row === null ? null : callerOfSession(row);
  }

  /** Whether a caller that was let in may still be here: long replies ask again and again. Throws `StoreError`. */
  isAlive(caller: Caller): boolean {
    if (caller.kind === "session") return this.sessions.isAlive(caller.idSha256);
    return this.#connection.use((table) => table.token(caller.tokenSha256)) !== null;
  }

  /** The session, or throws `AdminError`. */
  async signInWithPassword(client: ClientRequest, password: string): Promise<MadeSession> {
    if (!(await this.#isPassword(client, password)))
      throw new AdminError("unauthenticated", "the password is wrong");
    return this.#begin(client, "password");
  }

  /**
   * Throws `AdminError` unless this is the admin's password: an open page, or a token, that others have got hold of must
   * give them neither the secrets nor the admin itself.
   */
  async confirm(client: ClientRequest, password: string | undefined): Promise<void> {
    if (password === undefined)
      throw new AdminError("forbidden", "this needs the current password of the admin once more", {
        path: CONFIRMED_BY,
        repair: `send it as "${CONFIRMED_BY}"`,
      });
    if (!(await this.#isPassword(client, password)))
      throw new AdminError("forbidden", "the current password is wrong", { path: CONFIRMED_BY });
  }

  /** The cookie of a session in place of one that has ended with the password before; null: the caller has none. */
  cookieAfterPassword(client: ClientRequest, caller: Caller | null): string | null {
    return caller?.kind === "session" ? this.cookieOf(client, this.sessions.begin("password")) : null;
  }

  /** Counts against the tries of the address. */
  async #isPassword(client: ClientRequest, password: string): Promise<boolean> {
    const { log, snapshot, verifyPassword } = this.#context;
    const hash = snapshot().config.admin?.passwordHash ?? null;
    if (hash === null) throw new AdminError("unavailable", "the admin has no password");
    const address = client.address();
    const waitMs = this.#tries.take(address);
    if (waitMs > 0) {
      log.warn({ address }, "a password for the admin was not looked at: there were too many tries");
      throw tooManyTries(waitMs);
    }
    if (!(await this.#turns.run(() => verifyPassword(password, hash)))) {
      log.warn({ address }, "a wrong password for the admin");
      return false;
    }
    this.#tries.forgive(address);
    return true;
  }

  /** The session, or throws `AdminError`. Only one call can use a link. */
  signInWithLink(client: ClientRequest, token: string): MadeSession {
    const nowMs = this.#context.clock.nowMs();
    if (!this.#connection.use((table) => table.takeLink(digestOf(token), nowMs)))
      throw new AdminError("unauthenticated", "the link was used before, or its ten minutes are over", {
        repair: "make another one with clewline admin link",
      });
    return this.#begin(client, "link");
  }

  cookieOf(client: ClientRequest, { id, row }: MadeSession): string {
    return cookieFor(client, id, row.untilMs - this.#context.clock.nowMs());
  }

  close(): void {
    this.#connection.close();
  }

  #begin(client: ClientRequest, label: string): MadeSession {
    const { log } = this.#context;
    const address = client.address();
    log.info({ address, how: label }, "somebody has signed in to the admin");
    if (isPlainHttp(client))
      log.warn({ address }, "the admin was opened by plain http from another machine; set server.tls");
    return this.sessions.begin(label);
  }

  #ofToken(token: string): Caller | null {
    if (!token.startsWith(ADMIN_TOKEN_PREFIX)) return null;
    const row = this.#connection.use((table) => table.token(digestOf(token)));
    return row === null ? null : { kind: "token", label: `token ${row.name}`, tokenSha256: row.tokenSha256 };
  }
}

/** Others on the way can read what is sent. */
export function isPlainHttp(client: ClientRequest): boolean {
  if (isHttps(client)) return false;
  const address = client.address() ?? "";
  return isIP(address) !== 0 && !address.startsWith("127.") && address !== "::1";
}

function callerOfSession({ idSha256, csrf, untilMs, label }: SessionRow): Caller {
  return { kind: "session", idSha256, csrf, expiresAtMs: untilMs, label };
}

function tooManyTries(waitMs: number): AdminError {
  return new AdminError("too_many", "there were too many tries of a password in the last minute", {
    repair: "wait a minute, or sign in with the link that clewline admin link prints",
    retryAfterS: Math.ceil(waitMs / 1000),
  });
}
