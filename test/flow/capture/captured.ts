// A gateway that captures, and what a person reads of it in the admin.
import * as v from "valibot";
import { OPERATIONS, type ReplyOf } from "../../../src/admin/contract.ts";
import { CLIENT_KEY, until } from "../../kit/gateway.ts";
import { ADMIN_TOML, type AdminClient } from "../admin/admin-client.ts";

export type Captured = ReplyOf<"getCapture">;

/** The key of a client whose requests are not captured. */
export const OTHER_KEY = "clw-other-key-0123456789abcdef";

/** A configuration that captures the requests of `CLIENT_KEY`. */
export function capturingToml(more = ""): string {
  return [
    `[capture]\nenabled = true\n${more}`,
    ADMIN_TOML,
    `[[keys]]\nname = "tester"\nkey = "${CLIENT_KEY}"\ncapture = true\n`,
    `[[keys]]\nname = "other"\nkey = "${OTHER_KEY}"\n`,
  ].join("\n");
}

/** What was captured of a request, held to the contract. Waits for the end of the request. */
export async function capturedOf(admin: AdminClient, id: string | null | undefined): Promise<Captured> {
  let found: unknown = null;
  await until(`request ${id} is captured`, async () => {
    const { status, body } = await admin("GET", `/requests/${id}/capture`);
    if (status === 200) found = body;
    return status === 200;
  });
  return v.parse(OPERATIONS.getCapture.reply, found);
}
