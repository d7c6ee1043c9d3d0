/** Values of query parameters that may be passed to an upstream. */

export const NUMBER = /^\d{1,19}$/;
/** Ids, tokens of pages and versions: nothing that a server reads as more than a name. */
export const ID = /^[\w.:/+=~-]{1,2048}$/;
