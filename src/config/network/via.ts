/** How connections to a server are made: through which proxy, and what its TLS has to be. */

export const PROXY_KINDS = ["http", "https", "socks5", "socks5h"] as const;

export interface ProxyServer {
  /** `socks5` looks a host's name up here; the others leave that to the proxy. */
  readonly kind: (typeof PROXY_KINDS)[number];
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** null: the proxy asks for none. Holds a secret: never log it, never show it. */
  readonly login: ProxyLogin | null;
  /** For people, without the login: `socks5h://proxy.example:1080`. */
  readonly name: string;
}

export interface ProxyLogin {
  readonly user: string;
  readonly password: string;
}

/** PEM texts; `key` is a secret. */
export interface TlsSettings {
  /** Authorities that are trusted in place of the public ones; null: the public ones. */
  readonly ca: string | null;
  /** The certificate that is shown to the server, and its key; null: none. */
  readonly client: { readonly cert: string; readonly key: string } | null;
  readonly minVersion: "1.2" | "1.3";
}

export interface Via {
  /** Connections to one server are shared by those whose text is the same. No secret can be read from it. */
  readonly key: string;
  /** For `http:` servers; null: direct. */
  readonly httpProxy: ProxyServer | null;
  /** For `https:` servers and for those that are neither; null: direct. */
  readonly httpsProxy: ProxyServer | null;
  /** Hosts that are reached without the proxy. */
  readonly noProxy: readonly string[];
  /** null: public authorities, no certificate of our own, TLS 1.2 or later. */
  readonly tls: TlsSettings | null;
  /** Connections that are kept open before a request needs them. */
  readonly warmConnections: number;
}

/** Past every proxy, with the TLS that everybody has. */
export const DIRECT: Via = Object.freeze({
  key: "",
  httpProxy: null,
  httpsProxy: null,
  noProxy: Object.freeze([]),
  tls: null,
  warmConnections: 0,
});

const DEFAULT_PORTS: Readonly<Record<ProxyServer["kind"], number>> = {
  http: 80,
  https: 443,
  socks5: 1080,
  socks5h: 1080,
};
/** SOCKS counts the bytes of both in one byte. */
const MAX_LOGIN_BYTES = 255;
const FORM = 'write it as in "http://user:password@proxy.example:3128", or socks5h:// and its kin';

export interface ProxyFault {
  readonly message: string;
  readonly repair: string;
}

/** Reads the address of a proxy. Messages name no part of the text, because it may hold a password. */
export function parseProxy(text: string): ProxyServer | ProxyFault {
  const kind = PROXY_KINDS.find((known) => text.toLowerCase().startsWith(`${known}://`));
  if (kind === undefined) {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
    return scheme === undefined
      ? { message: "names no kind of proxy", repair: FORM }
      : {
          message: "is of a kind that Clewline does not know",
          repair: `use ${PROXY_KINDS.join("://, ")}://`,
        };
  }
  const url = URL.parse(text);
  // Of the schemes of SOCKS, the parser leaves a host as it is spelled.
  const host =
    url === null || url.hostname === "" ? undefined : URL.parse(`http://${url.hostname}`)?.hostname;
  if (url === null || host === undefined) return { message: "is not the address of a proxy", repair: FORM };
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    return { message: "has more than a host and a port", repair: FORM };
  }
  const login = loginOf(url, kind);
  if (login !== null && "message" in login) return login;
  const port = url.port === "" ? DEFAULT_PORTS[kind] : Number(url.port);
  return { kind, host: host.replace(/^\[|\]$/g, ""), port, login, name: `${kind}://${host}:${port}` };
}

function loginOf(url: URL, kind: ProxyServer["kind"]): ProxyLogin | ProxyFault | null {
  if (url.username === "" && url.password === "") return null;
  const [user, password] = [url.username, url.password].map(decoded);
  if (user === undefined || password === undefined || user === null || password === null) {
    return { message: "has a % in its user or password that begins no escape", repair: "write a % as %25" };
  }
  const isSocks = kind !== "http" && kind !== "https";
  if (isSocks && [user, password].some((text) => Buffer.byteLength(text) > MAX_LOGIN_BYTES)) {
    return { message: "has a user or password that is too long for SOCKS", repair: "use 255 bytes at most" };
  }
  if (!isSocks && user.includes(":")) {
    return { message: "has a : in its user, which no HTTP proxy can read", repair: "use a user without it" };
  }
  return { user, password };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
