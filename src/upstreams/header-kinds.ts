/**
 * Kinds of headers by what servers do with them, whoever invented the name. Headers of these kinds never pass; any other
 * header does. Names are in lower case.
 */

/** Shows or holds a login: `x-auth-token`, `ocp-apim-subscription-key`, `x-client-cert`. */
const CREDENTIAL =
  /(?:^|[-_])(?:authorization|authentication|auth|token|secret|password|passwd|credentials?|cookie2?|api[-_]?key|(?:access|account|admin|license|master|private|secret|service|session|subscription)-?key|cert(?:ificate)?|jwt|bearer)$/;
/** Identities that a proxy vouches for, and parts of certificates. */
const VOUCHED =
  /^(?:x-auth-|x-authenticated-|(?:x-)?(?:client|ssl|tls)-(?:client-)?(?:cert|dn|verify|subject|issuer))|^x-ssl-|^authentication-info$/;

/** Makes a server take the request for one with another method, path or host. */
const OVERRIDE =
  /method-override|(?:path|uri|url|host)-override|^x-(?:http-)?method$|^x-(?:original|rewrite|override)-|^x-(?:url|uri|path|host|script-name)$/;

/** Tells where a request comes from, or by which way: servers believe it of a proxy before them. */
const FORWARDING =
  /forwarded|(?:^|-)(?:client|cluster|connecting|peer|real|remote|source|true)-?ip$|^(?:x-)?(?:remote|envoy-external)-(?:addr|address|host|port|user)|^x-scheme$|^front-end-https$/;
const EDGES = [
  "akamai-",
  "cdn-",
  "cf-",
  "cloudfront-",
  "fastly-",
  "fly-",
  "x-akamai-",
  "x-appengine-",
  "x-appgw-",
  "x-arr-",
  "x-azure-",
  "x-b3-",
  "x-edge-",
  "x-envoy-",
  "x-fd-",
  "x-nf-",
  "x-vercel-",
] as const;

/** Makes a web server in front answer with a file or a place of its own. */
const INTERNAL_REDIRECT = /^x-(?:accel|litespeed|lighttpd|reproxy|sendfile|send-?file)(?:-|$)/;

/** Makes a browser go elsewhere, keep or delete something, run or allow a script, or report to somebody. */
const OF_BROWSER =
  /^(?:refresh|link|clear-site-data|service-worker-allowed|nel|report-to|reporting-endpoints|expect-ct|public-key-pins(?:-report-only)?|permissions-policy|feature-policy|referrer-policy|origin-trial|origin-agent-cluster|document-policy|(?:x-)?sourcemap|speculation-rules|supports-loading-mode|accept-ch|critical-ch|activate-storage-access|x-permitted-cross-domain-policies|content-disposition|content-location|location|p3p)$|^(?:cross-origin-|content-security-policy|x-content-security-policy|x-webkit-csp|attribution-reporting-|observe-|sec-|set-login$)/;

/** Whether the header would steer the server that gets it, or show it a login: it passes in neither direction. */
export function isSteering(name: string): boolean {
  return (
    CREDENTIAL.test(name) ||
    VOUCHED.test(name) ||
    OVERRIDE.test(name) ||
    FORWARDING.test(name) ||
    INTERNAL_REDIRECT.test(name)
  );
}

/** Whether the header is of an edge between its sender and us: about that hop, and the client's network. */
export function isOfEdge(name: string): boolean {
  return EDGES.some((edge) => name.startsWith(edge));
}

/** Whether the header of a reply would steer a browser that shows the reply. */
export function isOfBrowser(name: string): boolean {
  return OF_BROWSER.test(name);
}
