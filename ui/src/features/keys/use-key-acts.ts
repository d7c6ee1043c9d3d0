import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useToast } from "../../components/toasts.tsx";
import { call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

export type KeyAct = "pauseKeys" | "resumeKeys" | "revokeKeys";

/** What a person does with some keys at once. */
export function useKeyActs(onDone: () => void = () => {}) {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ act, names }: { act: KeyAct; names: readonly string[] }) =>
      call(act, { body: { names: [...names] } }),
    onSuccess: ({ changed }) => {
      toast({
        title: text("{count, plural, one {# key was changed} other {# keys were changed}}", {
          count: changed.length,
        }),
      });
      onDone();
    },
    onError: (error) => toast({ title: error.message, isBad: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}
