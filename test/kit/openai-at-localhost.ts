/** Preloaded by a gateway under test: for that process, the server at `localhost` is OpenAI itself. */
import { type KnownServer, OPENAI } from "../../src/upstreams/profiles.ts";
import { OPENAI_SERVERS } from "../../src/upstreams/servers/openai-servers.ts";

(OPENAI_SERVERS as KnownServer[]).push({ host: "localhost", profile: OPENAI });
