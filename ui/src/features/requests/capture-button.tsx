import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileText } from "lucide-react";
import { useState } from "react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { ErrorNotice, Notice } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { compact } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";

type State = ReplyOf<"getCaptureState">;

const LOOK_MS = 30_000;

/**
 * Says that prompts and answers are kept, as long as they are, with the way to delete them. In the head of the page, where
 * it moves nothing when it comes.
 */
export function CaptureButton() {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  const { data } = useQuery({
    queryKey: ["captures"],
    queryFn: ({ signal }) => call("getCaptureState", { signal }),
    refetchInterval: LOOK_MS,
  });
  if (data === undefined || (data.count === 0 && !(data.isOn && data.keys.length > 0))) return null;
  return (
    <>
      <Button
        icon={<FileText size={15} aria-hidden className={data.failure === null ? "text-info" : "text-bad"} />}
        onClick={() => setOpen(true)}
      >
        <span className="max-sm:sr-only">{text("Captured")}</span>
        <span className="tabular">{compact(data.count)}</span>
      </Button>
      <CaptureDialog state={data} isOpen={isOpen} onClose={() => setOpen(false)} />
    </>
  );
}

function CaptureDialog({ state, isOpen, onClose }: { state: State; isOpen: boolean; onClose: () => void }) {
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
      title={text("Captured requests")}
      description={
        state.isOn
          ? text(
              "{count, plural, one {Requests of # key are} other {Requests of # keys are}} captured with their bodies.",
              { count: state.keys.length },
            )
          : text("Capture is off. What was captured before is still kept.")
      }
    >
      <div className="flex flex-col gap-3">
        <p>
          {text("Kept: {count, plural, one {# request} other {# requests}}, {bytes} bytes.", {
            count: state.count,
            bytes: compact(state.bytes),
          })}
        </p>
        {state.failure !== null && (
          <Notice tone="bad">
            {text("Nothing can be captured now: {reason}", { reason: state.failure })}
          </Notice>
        )}
        <p className="text-muted">
          {text("To delete them overwrites their heads and bodies for good. The rows of the ledger stay.")}
        </p>
        {error !== null && <ErrorNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{text("Cancel")}</Button>
          <Button look="danger" isBusy={isPending} disabled={state.count === 0} onClick={() => mutate()}>
            {text("Delete all")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
