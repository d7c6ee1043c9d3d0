/** `clewline read-ledger`: answers one question about the ledger, which the gateway asks on standard input. */
import { answerQuestion } from "../../ledger/reader/answer.ts";
import { writeAnswer } from "../../ledger/reader/protocol.ts";
import { type Command, EXIT } from "../cli.ts";
import { giveWay } from "./idle-policy.ts";

/** Longer than any question of the gateway. */
const MAX_QUESTION_CHARS = 1024 * 1024;

/** Internal: its only argument is the data folder. */
export const readLedger: Command = async ([dataDir], io) => {
  if (dataDir === undefined) {
    io.err("clewline read-ledger: it is for the gateway itself; use clewline usage or clewline requests\n");
    return EXIT.usage;
  }
  giveWay();
  let question = "";
  for await (const chunk of Bun.stdin.stream().pipeThrough(new TextDecoderStream())) {
    question += chunk;
    if (question.length > MAX_QUESTION_CHARS) return EXIT.usage;
  }
  io.out(writeAnswer(answerQuestion(dataDir, question)));
  return EXIT.ok;
};
