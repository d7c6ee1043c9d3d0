/** What stands in place of a credential in what was captured. */
export const MASK = "[redacted]";

/** A path whose query has no parameter that was masked. */
export function withoutMasks(path: string): string {
  const [place = "", query = ""] = path.split("?");
  const kept = query.split("&").filter((part) => part !== "" && !part.includes(MASK));
  return kept.length === 0 ? place : `${place}?${kept.join("&")}`;
}
