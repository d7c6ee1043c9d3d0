import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { useText } from "../../lib/text.ts";
import { Button } from "../button.tsx";
import { ErrorNotice } from "../notice.tsx";

/** Providers without an account, which the gateway serves itself. */
export function AddSimulator({
  onUse,
  extra,
}: {
  /** `model`: one that the simulator answers for. */
  onUse: (model: string) => void;
  extra?: ReactNode;
}) {
  const text = useText();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => call("useSimulator", {}),
    onSuccess: async ({ model }) => {
      await Promise.all(
        [CREDENTIALS_KEY, ["models"], ["settings"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      );
      onUse(model);
    },
  });
  return (
    <div className="flex flex-col gap-4">
      <p>
        {text(
          "The simulator answers as OpenAI, Anthropic and Gemini do. It needs no account and costs nothing; its bills are made up. It runs in the gateway, for this machine alone.",
        )}
      </p>
      {error !== null && <ErrorNotice error={error} />}
      <div className="flex justify-end gap-2">
        {extra}
        <Button look="primary" isBusy={isPending} onClick={() => mutate()}>
          {text("Use the simulator")}
        </Button>
      </div>
    </div>
  );
}
