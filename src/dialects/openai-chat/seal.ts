/** The makers of seals and files that a Chat request or reply may hold. */

/** OpenAI itself. */
export const MAKER = "openai";

/** Google, whose Chat endpoint puts signatures on calls (`extra_content.google`). */
export const SIGNATURE_MAKER = "gemini";

/** Google's documented stand-in for the signature of a call that Google did not sign. */
export const DUMMY_SIGNATURE = "skip_thought_signature_validator";

/**
 * A compatible server. The seal names the members that held its reasoning (`reasoning-members.ts`), so that the
 * server gets it back there.
 */
export const COMPATIBLE_MAKER = "openai-compatible";
