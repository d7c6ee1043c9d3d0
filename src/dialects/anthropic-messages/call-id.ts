/** Ids of calls as the Messages API takes them. */
import { carriedIdFor, shownIdFor } from "../../neutral/conversation/call-ids.ts";
import { CALL_ID } from "./wire.ts";

/** The id itself where it is legal, else one made of it: the same for a call and its result, in every request and on every process. */
export function callIdOnWire(id: string): string {
  return carriedIdFor(id, CALL_ID);
}

/** As `callIdOnWire`, for a client. */
export function callIdForClient(id: string): string {
  return shownIdFor(id, CALL_ID);
}
