// Finds the credential of a request where its provider looks for it, and refuses a request without one.

import { anthropicRefusal, geminiRefusal, openaiRefusal, type Vendor } from "../base/refusal.ts";

type Header = (name: string) => string | undefined;

/** Accepts any key that is not empty. Throws the provider's refusal if there is no key. */
export function requireKey(vendor: Vendor, header: Header, query: URLSearchParams): string {
  const key = keyOf(vendor, header, query);
  if (key !== "") {
    return key;
  }
  switch (vendor) {
    case "anthropic":
      throw anthropicRefusal("authentication_error", "x-api-key header is required");
    case "gemini":
      throw geminiRefusal(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
      );
    case "openai":
      throw openaiRefusal(401, {
        message:
          "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
      });
  }
}

/** The key with its fault suffix; empty without a key. */
export function keyOf(vendor: Vendor, header: Header, query: URLSearchParams): string {
  const bearer = /^Bearer +(.*)$/i.exec(header("authorization") ?? "")?.[1]?.trim() ?? "";
  switch (vendor) {
    case "anthropic":
      return header("x-api-key") ?? bearer;
    case "gemini":
      return header("x-goog-api-key") ?? query.get("key") ?? bearer;
    case "openai":
      return bearer;
  }
}
