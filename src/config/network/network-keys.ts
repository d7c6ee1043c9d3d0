/** The keys of the file that are a part of a via, and so not of the configuration as the program sees it. */
import type { Camel } from "../camel-case.ts";
import type { FileConfig } from "../schema.ts";
import type { Via } from "./via.ts";

type FileKeys = Camel<FileConfig>;
type FileUpstream = FileKeys["upstreams"][number];
type OfVia =
  | "proxy"
  | "caFile"
  | "certFile"
  | "keyFile"
  | "minTlsVersion"
  | "warmConnections"
  | "credentials";

/** An upstream without its credentials, and without what its via says. */
export type UpstreamKeys = Omit<FileUpstream, OfVia>;
export type CredentialKeys = Omit<FileUpstream["credentials"][number], "proxy">;

export interface NetworkConfig {
  /** The way to all that is no upstream. */
  readonly via: Via;
  readonly proxyRefusesPrivate: boolean;
}

export function upstreamKeysOf(upstream: FileUpstream): UpstreamKeys {
  const {
    proxy: _proxy,
    caFile: _caFile,
    certFile: _certFile,
    keyFile: _keyFile,
    minTlsVersion: _minTlsVersion,
    warmConnections: _warmConnections,
    credentials: _credentials,
    ...rest
  } = upstream;
  return rest;
}

export function credentialKeysOf({
  proxy: _proxy,
  ...rest
}: FileUpstream["credentials"][number]): CredentialKeys {
  return rest;
}

export function makeNetworkConfig({ proxyRefusesPrivate }: FileKeys["network"], via: Via): NetworkConfig {
  return { via, proxyRefusesPrivate };
}
