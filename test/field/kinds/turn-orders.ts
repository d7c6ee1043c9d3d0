import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "turn-orders",
  title: "An order of turns that the server does not take",
  promise:
    "A conversation that a chat template refuses for the order of its turns is asked again in an order that it takes: instructions first, neighbours of one role joined, a turn of the assistant behind the result of a tool. The model's later requests are sent so at once.",
  sources: [
    "zed-industries/zed#37021",
    "zed-industries/zed#31736",
    "avante-corp/avante.nvim#2562",
    "NousResearch/hermes-agent#20154",
    "charmbracelet/crush#279",
    "can1357/oh-my-pi#958",
  ],
  open: [],
};
