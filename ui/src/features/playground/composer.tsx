import { ImagePlus, Send, Square, X } from "lucide-react";
import { type ChangeEvent, type FormEvent, type KeyboardEvent, useState } from "react";
import { Button, IconButton } from "../../components/button.tsx";
import { AreaField } from "../../components/field.tsx";
import { useText } from "../../lib/text.ts";
import type { Turn } from "./dialects.ts";

/** Where a turn is written, with a picture if there is one. */
export function Composer({
  isRunning,
  isReady,
  system,
  onSystem,
  onSend,
  onStop,
}: {
  isRunning: boolean;
  /** Models are chosen. */
  isReady: boolean;
  system: string;
  onSystem: (system: string) => void;
  onSend: (turn: Turn) => void;
  onStop: () => void;
}) {
  const text = useText();
  const [typed, setTyped] = useState("");
  const [image, setImage] = useState<string | null>(null);
  const canSend = typed.trim() !== "" && isReady && !isRunning;
  const send = (event: FormEvent | KeyboardEvent): void => {
    event.preventDefault();
    if (!canSend) return;
    onSend({ role: "user", text: typed, image });
    setTyped("");
    setImage(null);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
  };
  return (
    <form onSubmit={send} className="panel flex flex-col gap-3 p-3">
      <details>
        <summary className="w-fit text-[13px] text-muted">{text("System prompt")}</summary>
        <AreaField
          label={text("System prompt")}
          rows={2}
          value={system}
          onChange={({ target }) => onSystem(target.value)}
        />
      </details>
      <AreaField
        label={text("Message")}
        rows={3}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        onKeyDown={onKey}
        help={text(
          "Enter sends, Shift and Enter begins a line. Requests cost money and have rows in the ledger.",
        )}
      />
      <div className="flex items-center gap-2">
        <ImageInput onImage={setImage} />
        {image !== null && (
          <span className="flex items-center">
            <img src={image} alt={text("The image to send")} className="h-[34px] rounded-[6px]" />
            <IconButton label={text("Take the image away")} onClick={() => setImage(null)}>
              <X size={15} aria-hidden />
            </IconButton>
          </span>
        )}
        <span className="flex-1" />
        {isRunning ? (
          <Button icon={<Square size={14} aria-hidden />} onClick={onStop}>
            {text("Stop")}
          </Button>
        ) : (
          <Button look="primary" type="submit" disabled={!canSend} icon={<Send size={15} aria-hidden />}>
            {text("Send")}
          </Button>
        )}
      </div>
    </form>
  );
}

/** A picture of this machine as a data URL. */
function ImageInput({ onImage }: { onImage: (url: string) => void }) {
  const text = useText();
  const attach = ({ target }: ChangeEvent<HTMLInputElement>): void => {
    const file = target.files?.[0];
    if (file === undefined) return;
    const reader = new FileReader();
    reader.onload = () => onImage(String(reader.result));
    reader.readAsDataURL(file);
    target.value = "";
  };
  return (
    <label className="inline-flex h-[34px] cursor-pointer items-center gap-1.5 rounded-[7px] border border-edge px-3 font-medium focus-within:outline-2 focus-within:outline-accent hover:bg-hover">
      <ImagePlus size={16} aria-hidden />
      {text("Image")}
      <input
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif"
        className="sr-only"
        onChange={attach}
      />
    </label>
  );
}
