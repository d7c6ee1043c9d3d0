import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useToast } from "../../components/toasts.tsx";
import { useUndoAction } from "../../components/use-undo.ts";
import { call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

export type KeyAct = "pauseKeys" | "resumeKeys" | "revokeKeys";

/** What a person does with some keys at once. */
export function useKeyActs(onDone: () => void = () => {}) {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  const undoAction = useUndoAction();
  return useMutation({
    mutationFn: ({ act, names }: { act: KeyAct; names: readonly string[] }) =>
      call(act, { body: { names: [...names] } }),
    onSuccess: ({ changed, undo }) => {
      toast({
        title: text("{count, plural, one {# key was changed} other {# keys were changed}}", {
          count: changed.length,
        }),
        ...undoAction(undo),
      });
      onDone();
    },
    onError: (error) => toast({ title: error.message, isBad: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}
