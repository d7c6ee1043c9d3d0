/** The reason why a connection to a server failed, as an error of the table. */

import { GatewayError } from "../../core/errors.ts";
import { hasDescriptors } from "../../core/files/descriptors.ts";

/** Codes of OpenSSL's verification, as Node spells them. */
const VERIFICATION = /CERT|ISSUER|LEAF|CRL|SELF_SIGNED|HOSTNAME/;
/** The certificate is good, but nobody who is known has signed it. */
const UNKNOWN_AUTHORITY = /UNABLE_TO_|SELF_SIGNED/;
const PRIVATE_AUTHORITY =
  "for a private authority, name the file of its certificates in ca_file of the upstream, or start Clewline with NODE_EXTRA_CA_CERTS or SSL_CERT_FILE";
const TLS = /TLS|SSL|EPROTO/;
const UNKNOWN_NAME = /NOTFOUND|NODATA|EAI_|DNS/;

const NO_DESCRIPTOR =
  "the gateway has no file descriptor left for a connection to the upstream; send the request again, and raise the limit of the gateway (ulimit -n)";
const COME_BACK_MS = 1_000;

/** `upstream_connect` for any cause that Bun gives, or `descriptors_exhausted`. */
export function unreachableError(cause: unknown): GatewayError {
  const code = codeOf(cause);
  // Bun gives the code of a refused connection when there is no descriptor for one.
  if (code === "ECONNREFUSED" && !hasDescriptors(1)) {
    return new GatewayError("descriptors_exhausted", NO_DESCRIPTOR, { cause, retryAfterMs: COME_BACK_MS });
  }
  const detail = cause instanceof Error ? `${code} ${cause.message}` : String(cause);
  return new GatewayError("upstream_connect", messageFor(code), { cause, detail });
}

/** What a server says of the certificate that it is shown, after the handshake (TLS 1.3). */
const REFUSED_CERTIFICATE =
  /ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)|(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)$/;

/** null: the failure is not about our own certificate. */
export function certificateRefused(cause: Error): GatewayError | null {
  const said = REFUSED_CERTIFICATE.exec(cause.message);
  if (said === null) return null;
  const what = (said[1] ?? said[2] ?? "").toLowerCase().replaceAll("_", " ");
  return new GatewayError(
    "upstream_connect",
    `the upstream wants another certificate of its caller (${what}); check cert_file and key_file of the upstream`,
    { cause, detail: cause.message },
  );
}

/** Of the runtime's own, and no exception of a handler. */
export function isOfTls(cause: unknown): boolean {
  return TLS.test(codeOf(cause)) || (cause instanceof Error && cause.message.includes("SSL routines"));
}

/** No answer has come about the host's name, whatever the name leads to. */
export function isUnknownName(cause: unknown): boolean {
  return UNKNOWN_NAME.test(codeOf(cause));
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

function messageFor(code: string): string {
  if (VERIFICATION.test(code)) {
    const repair = UNKNOWN_AUTHORITY.test(code) ? `; ${PRIVATE_AUTHORITY}` : "";
    return `the upstream's TLS certificate is not accepted (${code})${repair}`;
  }
  if (TLS.test(code)) return "no TLS connection to the upstream; check whether its base_url means https";
  if (UNKNOWN_NAME.test(code)) return "the upstream's host name is not known; check its base_url";
  return "the upstream cannot be reached; check its base_url and the network";
}
