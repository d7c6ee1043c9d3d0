import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { useToast } from "../../components/toasts.tsx";
import { useUndoAction } from "../../components/use-undo.ts";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY, mergeStates } from "../../lib/follow-live.ts";
import { useText } from "../../lib/text.ts";
import type { Credential } from "./states.ts";

export type Act = "pauseCredential" | "drainCredential" | "enableCredential" | "resetCredential";
type Board = ReplyOf<"listCredentials">;

const paramsOf = ({ upstream, name }: Credential) => ({ upstream, name });

/** What a person does with one credential. A failure is told beside the page; the board shows what came of the rest. */
export function useCredentialActs() {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  const undoAction = useUndoAction();
  const tellFailure = (error: Error): void => toast({ title: error.message, isBad: true });
  const read = (): Promise<void> => queries.invalidateQueries({ queryKey: CREDENTIALS_KEY });

  const act = useMutation({
    mutationFn: ({ act: name, credential }: { act: Act; credential: Credential }) =>
      call(name, { params: paramsOf(credential) }),
    onSuccess: ({ credential, undo }, { credential: { id } }) => {
      queries.setQueryData<Board>(CREDENTIALS_KEY, (board) =>
        board === undefined ? board : mergeStates(board, [credential], [], board.nowMs),
      );
      if (undo !== null) toast({ title: text("{name} was changed.", { name: id }), ...undoAction(undo) });
    },
    onError: tellFailure,
  });
  const remove = useMutation({
    mutationFn: (credential: Credential) => call("removeCredential", { params: paramsOf(credential) }),
    onSuccess: ({ undo: way }, { id }) =>
      toast({
        title: text("{name} was deleted.", { name: id }),
        ...undoAction(way),
      }),
    onError: tellFailure,
    onSettled: read,
  });
  return { act, remove };
}
