/** An upstream of the family vertex at a simulator. */
import type { Simulator } from "../../src/simulator/server/simulator.ts";

/** A part of a configuration. `accounts`: by the names of the credentials, the names of service accounts with their faults. */
export function vertexToml(
  name: string,
  simulator: Pick<Simulator, "url" | "serviceAccount">,
  {
    accounts = { main: "robot" },
    credentialLines = "",
  }: { accounts?: Readonly<Record<string, string>>; credentialLines?: string } = {},
): string {
  return [
    `[[upstreams]]\nname = "${name}"\nfamily = "vertex"\nbase_url = "${simulator.url}"`,
    ...Object.entries(accounts).map(
      ([credential, account], index) =>
        `[[upstreams.credentials]]\nname = "${credential}"\npriority = ${index}\napi_key = '''${simulator.serviceAccount(account)}'''\n${credentialLines}`,
    ),
    "",
  ].join("\n");
}

/** Whether a request of a gateway is for a token, and not for a model. */
export function isForToken(path: string): boolean {
  return path === "/token";
}
