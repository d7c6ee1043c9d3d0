/** A person's browser at the admin API: signs in with the password, and sends what a page would send. */
import type { Gateway } from "../../kit/gateway.ts";

export const PASSWORD = "correct horse battery";
/** The part of a configuration that has the admin on. */
export const ADMIN_TOML = `[admin]\npassword = "${PASSWORD}"\n`;

export interface AdminReply {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the contract has a test of its own
  readonly body: any;
}

export type AdminClient = (method: string, path: string, body?: unknown) => Promise<AdminReply>;

export async function signIn({ url }: Pick<Gateway, "url">): Promise<AdminClient> {
  const origin = url;
  const entered = await fetch(`${url}/admin/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin },
    body: JSON.stringify({ password: PASSWORD }),
  });
  const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const session = await fetch(`${url}/admin/api/session`, { headers: { cookie } });
  const { csrf } = (await session.json()) as { csrf: string };
  return async (method, path, body) => {
    const reply = await fetch(`${url}/admin/api${path}`, {
      method,
      headers: { cookie, origin, "x-clewline-csrf": csrf, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    return { status: reply.status, text, body: text === "" ? null : JSON.parse(text) };
  };
}
