/** The proxies that the environment names, for `proxy = "environment"` alone. */
import type { Env } from "../environment.ts";
import { keptName } from "./kept-variables.ts";
import { isNoProxyEntry } from "./schema-network.ts";
import { type ProxyFault, type ProxyServer, parseProxy } from "./via.ts";

export interface EnvironmentProxies {
  readonly httpProxy: ProxyServer | null;
  readonly httpsProxy: ProxyServer | null;
  readonly noProxy: readonly string[];
}

/** Lower case before upper case, and the variable of a scheme before that of all, as curl has it. */
export function environmentProxies(env: Env): EnvironmentProxies | ProxyFault {
  const [http, https] = [proxyFrom(env, "http_proxy"), proxyFrom(env, "https_proxy")];
  for (const found of [http, https]) if (found !== null && "message" in found) return found;
  const listed = variableIn(env, "no_proxy")?.value ?? "";
  const noProxy = listed.split(/[\s,]+/).filter((entry) => entry !== "");
  const wrong = noProxy.findIndex((entry) => !isNoProxyEntry(entry));
  if (wrong >= 0) {
    const message = `means NO_PROXY as well, whose entry ${wrong + 1} is no host, address or CIDR`;
    return { message, repair: "correct the variable, or name the proxy here" };
  }
  return { httpProxy: http as ProxyServer | null, httpsProxy: https as ProxyServer | null, noProxy };
}

function proxyFrom(env: Env, name: string): ProxyServer | ProxyFault | null {
  const found = variableIn(env, name) ?? variableIn(env, "all_proxy");
  if (found === null) return null;
  // Other programs take a bare host and port for an HTTP proxy.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(found.value) ? found.value : `http://${found.value}`;
  const proxy = parseProxy(text);
  if (!("message" in proxy)) return proxy;
  return { message: `means the variable ${found.name}, which ${proxy.message}`, repair: proxy.repair };
}

/** null: not set, or empty. */
function variableIn(env: Env, lower: string): { readonly name: string; readonly value: string } | null {
  for (const name of [lower, lower.toUpperCase()]) {
    const value = env[keptName(name)] || env[name];
    if (value !== undefined && value !== "") return { name, value };
  }
  return null;
}
