/** Keeps credentials, and what a person has named, out of what is captured. */
import type { SecretMask } from "../core/redact.ts";
import type { CapturedHeaders } from "./captured-request.ts";

const MASK = "[redacted]";

/** Names of headers and of parameters in a query that hold a credential or a session, in lower case. */
const SECRET_NAME =
  /(?:^|[-_])(?:auth|authorization|assertion|token|secret|key|apikey|password|passwd|credential|cookie|signature|sig|jwt)\d*(?:$|[-_])/;

/** Of the gateway's own headers only the client's key is a secret: others name a credential, and never show one. */
function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && (name === "x-clewline-key" || !name.startsWith("x-clewline-"));
}

/** Which headers are masked: those that hold credentials always, and those that the configuration names. */
export class Redaction {
  readonly #named: ReadonlySet<string>;

  /** In lower case. */
  constructor(named: readonly string[]) {
    this.#named = new Set(named);
  }

  headers(lines: CapturedHeaders, mask: SecretMask): CapturedHeaders {
    return lines.map(([name, value]) => [
      name,
      this.#named.has(name) || isSecretName(name) ? MASK : mask.hide(value),
    ]);
  }
}

/** Names of members whose text is a credential, such as those that requests name for servers of tools. */
const SECRET_MEMBER =
  "(?:[\\w-]{0,64}[-_])?(?:authorization(?:[-_]token)?|(?:access|auth|refresh|bearer)[-_]?token|api[-_]?key|client[-_]?secret|secret[-_]?key|password)";
/** A body that was cut may end within the text. */
const MEMBER = new RegExp(`("${SECRET_MEMBER}"\\s*:\\s*")(?:[^"\\\\]|\\\\.)*("|\\\\?$)`, "gi");
/** Within a text of JSON, such as the arguments of a call. */
const QUOTED_MEMBER = new RegExp(
  `(\\\\"${SECRET_MEMBER}\\\\"\\s*:\\s*\\\\")(?:[^"\\\\]|\\\\[^"])*(\\\\"|\\\\?$)`,
  "gi",
);

/** A body without the texts of members that hold credentials. */
export function withoutSecretMembers(text: string): string {
  return text.replace(MEMBER, `$1${MASK}$2`).replace(QUOTED_MEMBER, `$1${MASK}$2`);
}

/** A path or a URL whose query shows no credential. */
export function redactQuery(url: string, mask: SecretMask): string {
  const at = url.indexOf("?");
  if (at < 0) return mask.hide(url);
  const query = url
    .slice(at + 1)
    .split("&")
    .map((part) => {
      const [name = ""] = part.split("=", 1);
      return name !== part && SECRET_NAME.test(name.toLowerCase()) ? `${name}=${MASK}` : part;
    })
    .join("&");
  return mask.hide(`${url.slice(0, at)}?${query}`);
}

/** More are not searched for in bodies: a search for each takes milliseconds, and a client may name a hundred. */
const MAX_OWN_SECRETS = 8;
/** Where clients show the keys that open something: these come first. */
const KEY_NAMES: readonly string[] = [
  "x-clewline-key",
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "key",
];

/** The credentials that a request itself shows: also a body or a reply may repeat them. */
export function secretsIn(lines: CapturedHeaders, search: string): readonly string[] {
  const headers = lines.filter(([name]) => isSecretName(name));
  const parameters = [...new URLSearchParams(search)].filter(([name]) =>
    SECRET_NAME.test(name.toLowerCase()),
  );
  // A scheme, as in `Bearer`, stands before the credential itself.
  const shown = [
    ...headers.map(([name, value]) => [name, value.split(" ").at(-1) ?? ""] as const),
    ...parameters,
  ];
  const isKey = ([name]: readonly [string, string]): boolean => KEY_NAMES.includes(name);
  const inOrder = [...shown.filter(isKey), ...shown.filter((one) => !isKey(one))];
  return inOrder.slice(0, MAX_OWN_SECRETS).map(([, value]) => value);
}
