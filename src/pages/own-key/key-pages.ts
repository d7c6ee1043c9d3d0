/** The pages on which a key reads what it may know of itself, by their paths. Each key sees itself alone. */
import type { Principal } from "../../auth/keys.ts";
import { jsonPage } from "../json-page.ts";
import { factsOf, type KeyFacts, type KeyFactsSource } from "./key-facts.ts";
import { billingSubscription, billingUsage, tokenUsage } from "./one-api-form.ts";
import { ownKey } from "./own-key.ts";
import { routerCredits, routerKey } from "./router-form.ts";

type KeyForm = (facts: KeyFacts) => object;

const inData: KeyForm = (facts) => ({ data: routerKey(facts) });

/** Clients have the base URL `/v1`, or OpenRouter's `/api/v1`. */
export const KEY_PAGES: readonly { readonly path: string; readonly form: KeyForm }[] = [
  { path: "/v1/key", form: ownKey },
  { path: "/v1/auth/key", form: ownKey },
  { path: "/v1/credits", form: routerCredits },
  { path: "/api/v1/key", form: inData },
  { path: "/api/v1/auth/key", form: inData },
  { path: "/api/v1/credits", form: routerCredits },
  { path: "/v1/dashboard/billing/subscription", form: billingSubscription },
  { path: "/v1/dashboard/billing/usage", form: billingUsage },
  { path: "/api/usage/token", form: tokenUsage },
];

export async function keyPage(
  source: KeyFactsSource,
  principal: Principal,
  form: KeyForm,
): Promise<Response> {
  return jsonPage(200, form(await factsOf(source, principal)));
}
