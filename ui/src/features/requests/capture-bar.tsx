import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { ErrorNotice, Notice } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { compact } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";

const LOOK_MS = 30_000;

/** Says that prompts and answers are kept, as long as they are, with the way to delete them. */
export function CaptureBar() {
  const text = useText();
  const [isAsking, setAsking] = useState(false);
  const { data } = useQuery({
    queryKey: ["captures"],
    queryFn: ({ signal }) => call("getCaptureState", { signal }),
    refetchInterval: LOOK_MS,
  });
  if (data === undefined || (data.count === 0 && !(data.isOn && data.keys.length > 0))) return null;
  return (
    <Notice tone={data.failure === null ? "info" : "warn"}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="min-w-0 flex-1">
          {data.isOn
            ? text(
                "{count, plural, one {Requests of # key are} other {Requests of # keys are}} captured with their bodies.",
                {
                  count: data.keys.length,
                },
              )
            : text("Capture is off. What was captured before is still kept.")}{" "}
          {text("Kept: {count, plural, one {# request} other {# requests}}, {bytes} bytes.", {
            count: data.count,
            bytes: compact(data.bytes),
          })}
          {data.failure !== null && (
            <span className="block text-bad">
              {text("Nothing can be captured now: {reason}", { reason: data.failure })}
            </span>
          )}
        </span>
        {data.count > 0 && <Button onClick={() => setAsking(true)}>{text("Delete all…")}</Button>}
      </div>
      <DeleteDialog isOpen={isAsking} onClose={() => setAsking(false)} />
    </Notice>
  );
}

function DeleteDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => call("deleteCaptures", {}),
    onSuccess: onClose,
    onSettled: () =>
      Promise.all(
        [["captures"], ["requests", "capture"]].map((queryKey) => queries.invalidateQueries({ queryKey })),
      ),
  });
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={text("Delete all captured requests?")}
      description={text("Their heads and bodies are overwritten for good. The rows of the ledger stay.")}
    >
      {error !== null && <ErrorNotice error={error} />}
      <div className="mt-4 flex justify-end gap-2">
        <Button onClick={onClose}>{text("Cancel")}</Button>
        <Button look="danger" isBusy={isPending} onClick={() => mutate()}>
          {text("Delete all")}
        </Button>
      </div>
    </Dialog>
  );
}
