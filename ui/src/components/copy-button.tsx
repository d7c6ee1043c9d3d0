import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../lib/text.ts";
import { Button } from "./button.tsx";

const SHOWN_MS = 1_500;

/** On plain http the browser has no clipboard for pages; the text is selected there by hand. */
async function copy(value: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(value);
  const area = document.createElement("textarea");
  area.value = value;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({ value, label }: { value: string; label?: string }) {
  const text = useText();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <Button
      icon={isCopied ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
      onClick={() => void copy(value).then(() => setCopied(true))}
    >
      <span aria-live="polite">{isCopied ? text("Copied") : (label ?? text("Copy"))}</span>
    </Button>
  );
}
