import { isIP } from "../../core/addresses/ip-address.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** From `host:port`, with brackets around an address of IPv6; null: it is none. Port 0: any free one. */
export function parseListen(text: string): ListenAddress | null {
  const [, v6, name, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65_535) return null;
  if (v6 !== undefined) return isIP(v6) === 6 ? { host: v6, port } : null;
  const host = name ?? "";
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host) ? { host, port } : null;
}
