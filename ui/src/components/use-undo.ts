import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "../lib/api.ts";
import { CREDENTIALS_KEY } from "../lib/follow-live.ts";
import { useText } from "../lib/text.ts";
import { useToast } from "./toasts.tsx";

/** What a change may have changed. */
const READ_AGAIN = [["audit"], ["settings"], ["keys"], CREDENTIALS_KEY];

/** Takes a change back by its place in the record, and tells what came of it. */
export function useUndo() {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (auditId: string) => call("undo", { params: { id: auditId } }),
    onSuccess: () => toast({ title: text("The change was undone.") }),
    onError: (error) => toast({ title: error.message, isBad: true }),
    onSettled: () => Promise.all(READ_AGAIN.map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
}

/** The button of a toast that takes a change back; none where there is no way. */
export function useUndoAction() {
  const text = useText();
  const { mutate } = useUndo();
  return (undo: { readonly auditId: string } | null) =>
    undo === null ? {} : { action: { label: text("Undo"), run: () => mutate(undo.auditId) } };
}
