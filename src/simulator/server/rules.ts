// Applies the rules of a request's provider.

import { requireOpenaiModel } from "../answer/catalogue.ts";
import type { SimRequest } from "../answer/request.ts";
import { checkMessages } from "../anthropic-messages/rules.ts";
import { camelBody } from "../gemini/body.ts";
import { checkGenerate } from "../gemini/rules.ts";
import { checkChat } from "../openai-chat/rules.ts";
import { checkResponses } from "../openai-responses/rules.ts";
import { checkPersona } from "../personas/check.ts";
import { openaiProblem } from "../strict/openai-wording.ts";
import * as shape from "../strict/shape.ts";
import type { Method } from "./route.ts";

const { any, integer, list, oneOf, record, string, union } = shape;

const EMBEDDINGS = record(
  { model: string(), input: union(string({ min: 1 }), list(any, { min: 1, max: 2048 })) },
  { dimensions: integer(1, 3072), encoding_format: oneOf("float", "base64"), user: string() },
);

/** The checked request. Throws the provider's refusal if the request breaks a rule. */
export function checkedRequest(method: Method, request: SimRequest): SimRequest {
  switch (method) {
    case "chat":
      if (request.persona === undefined) {
        checkChat(request);
      } else {
        checkPersona(request, request.persona);
      }
      return request;
    case "responses":
      checkResponses(request, "create");
      return request;
    case "input-tokens":
      checkResponses(request, "count");
      return request;
    case "compact":
      checkResponses(request, "compact");
      return request;
    case "embeddings":
      checkEmbeddings(request);
      return request;
    case "messages":
    case "count-messages":
      checkMessages(request, method === "count-messages");
      return request;
    case "generate":
    case "count-contents": {
      const isCount = method === "count-contents";
      const camelRequest = { ...request, body: camelBody(request.body, isCount) };
      checkGenerate(camelRequest, isCount);
      return camelRequest;
    }
    case "response-get":
    case "response-delete":
    case "response-cancel":
    case "response-items":
    case "models":
    case "model":
    case "kept-contents":
    case "embed-content":
    case "embed-contents":
    case "predict":
      return request;
  }
}

function checkEmbeddings(request: SimRequest): void {
  const problem = shape.findProblem(EMBEDDINGS, request.body);
  if (problem !== undefined) {
    throw openaiProblem(problem);
  }
  if (request.persona === undefined) {
    requireOpenaiModel(request.model);
  }
}
