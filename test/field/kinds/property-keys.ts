import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "property-keys",
  title: "Keys of arguments that a model refuses",
  promise:
    "A tool whose arguments have keys that Claude refuses (`filter[status]`, `$top`, `@odata.type`) works from every client: the model sees legal aliases, at every depth of the schema and in earlier calls, and the client gets its own keys back, also in a stream.",
  sources: [
    "n8n-io/n8n#30590",
    "decocms/studio#6874",
    "beautyfree/appstore-connect-mcp#1",
    "anthropics/claude-code#79418",
    "erikmaday/unusual-whales-mcp#57",
  ],
  open: ["A Messages client's own request to Anthropic passes as it is, and gets Anthropic's refusal."],
};
