/** The maker of the seals, files and hosted tools of this API. */
export const MAKER = "openai";
