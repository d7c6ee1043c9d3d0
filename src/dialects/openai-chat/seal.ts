/** The makers of seals and files that a Chat request or reply may hold. */

/** OpenAI itself. */
export const MAKER = "openai";

/** Google, whose Chat endpoint puts signatures on calls (`extra_content.google`). */
export const SIGNATURE_MAKER = "gemini";

/**
 * A compatible server. The seal names the member that held its reasoning, so that the server gets it back
 * there.
 */
export const COMPATIBLE_MAKER = "openai-compatible";
