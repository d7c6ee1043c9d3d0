/** The peek at a Messages request. */
import { compileShape, type ShapeNode } from "../../wire/json-shape.ts";
import { MODEL_IN_OTHER_CASES, RequestPeek } from "../shared/request-peek.ts";

export const PEEK_SHAPE = compileShape({
  model: true,
  stream: true,
  container: { id: true },
  thread: { previous_message_id: true },
  max_tokens: true,
  metadata: { user_id: true },
  service_tier: true,
  speed: true,
  inference_geo: true,
  models: true,
  fallbacks: true,
  ...MODEL_IN_OTHER_CASES,
});

export class MessagesPeek extends RequestPeek {
  /**
   * The request holds a thread, which continues from the reply's id: that id will be state of the provider.
   */
  keepsReplyId = false;

  override open(node: ShapeNode, start: number): void {
    if (node.path === "thread") this.keepsReplyId = true;
    else super.open(node, start);
  }
}
