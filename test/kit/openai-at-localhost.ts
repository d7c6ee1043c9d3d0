/** Preloaded by a gateway under test: for that process, the server at `localhost` is OpenAI itself. */
import { type KnownServer, OPENAI, OPENAI_SERVERS } from "../../src/upstreams/profiles.ts";

(OPENAI_SERVERS as KnownServer[]).push({ host: "localhost", profile: OPENAI });
