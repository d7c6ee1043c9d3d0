/**
 * Preloaded by a gateway under test: for that process, `localhost` is one of the servers that `CLEWLINE_TEST_SERVERS` names
 * by their hosts, the first of each family: Google's host is one of two.
 */
import {
  ANTHROPIC_SERVERS,
  GEMINI_SERVERS,
  type KnownServer,
  VERTEX_SERVERS,
} from "../../src/upstreams/profiles.ts";
import { OPENAI_SERVERS } from "../../src/upstreams/servers/openai-servers.ts";

const named = (process.env.CLEWLINE_TEST_SERVERS ?? "").split(",");
for (const servers of [OPENAI_SERVERS, ANTHROPIC_SERVERS, GEMINI_SERVERS, VERTEX_SERVERS]) {
  const server = named.flatMap((name) => servers.find(({ host }) => host === name) ?? [])[0];
  if (server !== undefined) (servers as KnownServer[]).push({ ...server, host: "localhost" });
}
