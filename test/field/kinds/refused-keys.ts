import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "refused-keys",
  title: "Keys and accounts that the provider refuses",
  promise:
    "Where the provider refuses every key, or says that the account has no credit, the client is told so at the first request, in words without a secret and in a form that its SDK does not repeat. The log has one line that names the credential, and every list shows it. A limit is still told as a limit, and another target still answers.",
  sources: ["https://platform.openai.com/docs/guides/error-codes", "https://docs.claude.com/en/api/errors"],
  open: [],
};
