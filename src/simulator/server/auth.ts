// The credential of a request, where each provider looks for it, and what it says when there is none.

import { anthropicRefusal, geminiRefusal, openaiRefusal, type Vendor } from "../base/refusal.ts";

type Header = (name: string) => string | undefined;

/** Any key that is not empty is good; throws the provider's refusal where there is none. */
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

/** The key as it was sent, with its fault suffix; empty where there is none. */
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
