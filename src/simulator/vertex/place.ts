// The paths of Vertex AI: a publisher's model in a project and a location, or without both for an API key.

import type { Vendor } from "../base/refusal.ts";

/** Where on Vertex AI a request is served. */
export interface VertexPlace {
  /** Empty for a request with an API key, and for a list of a publisher's models. */
  readonly project: string;
  readonly location: string;
  readonly publisher: "anthropic" | "google";
}

export interface VertexRoute {
  readonly vendor: Vendor;
  readonly method:
    | "messages"
    | "count-messages"
    | "generate"
    | "count-contents"
    | "embed-content"
    | "predict"
    | "models"
    | "kept-contents";
  /** The model in the path. */
  readonly id: string;
  readonly place: VertexPlace;
}

const PLACE = /^\/v1(?:beta1)?\/(?:projects\/([^/]+)\/locations\/([^/]+)\/)?(.*)$/;
const MODEL = /^publishers\/(anthropic|google)\/models\/(.+):(\w+)$/;
const LIST = /^publishers\/(anthropic|google)\/models$/;

/** undefined: the path is none of Vertex AI's. */
export function matchVertex(verb: string, path: string): VertexRoute | undefined {
  const [, project = "", location = "", rest = ""] = PLACE.exec(path) ?? [];
  const list = LIST.exec(rest);
  if (verb === "GET" && list !== null && project === "") {
    return routeTo("models", "", { project, location, publisher: publisherIn(list[1]) });
  }
  if (verb === "GET" && rest === "cachedContents" && project !== "") {
    return routeTo("kept-contents", "", { project, location, publisher: "google" });
  }
  const [, named, model = "", action = ""] = verb === "POST" ? (MODEL.exec(rest) ?? []) : [];
  if (named === undefined) {
    return undefined;
  }
  const publisher = publisherIn(named);
  const method = methodOf(publisher, model, action);
  return method === undefined ? undefined : routeTo(method, model, { project, location, publisher });
}

function publisherIn(name: string | undefined): VertexPlace["publisher"] {
  return name === "anthropic" ? "anthropic" : "google";
}

function methodOf(
  publisher: VertexPlace["publisher"],
  model: string,
  action: string,
): VertexRoute["method"] | undefined {
  if (publisher === "anthropic") {
    if (model === "count-tokens") {
      return action === "rawPredict" ? "count-messages" : undefined;
    }
    return action === "rawPredict" || action === "streamRawPredict" ? "messages" : undefined;
  }
  switch (action) {
    case "countTokens":
      return "count-contents";
    case "embedContent":
      return "embed-content";
    case "predict":
      return "predict";
  }
  return action === "generateContent" || action === "streamGenerateContent" ? "generate" : undefined;
}

function routeTo(method: VertexRoute["method"], id: string, place: VertexPlace): VertexRoute {
  return { vendor: place.publisher === "anthropic" ? "anthropic" : "gemini", method, id, place };
}
