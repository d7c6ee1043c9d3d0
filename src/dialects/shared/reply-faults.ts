/** Faults of upstreams' replies that several dialects find. The words are for the client. */
export const REPLY_FAULTS = {
  longAnswer: "the upstream sent an answer that is longer than the gateway takes",
  longEvent: "the upstream sent an event that is longer than the gateway takes",
  notJson: "the upstream sent an event that is not a JSON object",
  tooDeep: "the upstream sent content that is nested deeper than the gateway takes",
  namelessCall: "the upstream called a tool without its name",
  endedEarly: "the upstream ended its answer before it began",
} as const;
