import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { useText } from "../../lib/text.ts";

const NAMED = 8;

/** Asks before keys end. No names: closed. */
export function RevokeDialog({
  names,
  onClose,
  onRevoke,
}: {
  names: readonly string[];
  onClose: () => void;
  onRevoke: () => void;
}) {
  const text = useText();
  return (
    <Dialog
      isOpen={names.length > 0}
      onClose={onClose}
      title={text("{count, plural, one {Revoke # key?} other {Revoke # keys?}}", { count: names.length })}
      description={text(
        "Revoked keys end at once. For ten minutes this can be undone. Their names are not given again.",
      )}
    >
      <ul className="list-disc pl-5">
        {names.slice(0, NAMED).map((name) => (
          <li key={name} className="break-words">
            {name}
          </li>
        ))}
        {names.length > NAMED && <li>…</li>}
      </ul>
      <div className="mt-4 flex justify-end gap-2">
        <Button onClick={onClose}>{text("Cancel")}</Button>
        <Button look="danger" onClick={onRevoke}>
          {text("Revoke")}
        </Button>
      </div>
    </Dialog>
  );
}
