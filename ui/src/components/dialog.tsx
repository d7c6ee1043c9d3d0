import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { useText } from "../lib/text.ts";
import { IconButton } from "./button.tsx";

/**
 * A window above the page. Radix's own overlay is left out: it writes a style element, which the page's policy
 * forbids; the shade below it closes the window just as well.
 */
export function Dialog({
  isOpen,
  onClose,
  title,
  description,
  children,
  width = "max-w-lg",
  isTop = false,
}: {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  description?: string;
  children: ReactNode;
  width?: string;
  isTop?: boolean;
}) {
  const text = useText();
  return (
    <Radix.Root open={isOpen} onOpenChange={(open) => open || onClose()}>
      <Radix.Portal>
        <div className="fixed inset-0 z-40 bg-shade" />
        <div
          className={`pointer-events-none fixed inset-0 z-50 flex justify-center overflow-y-auto p-3 sm:p-6 ${isTop ? "items-start sm:pt-[12vh]" : "items-end sm:items-center"}`}
        >
          <Radix.Content
            {...(description === undefined ? { "aria-describedby": undefined } : {})}
            className={`pointer-events-auto relative w-full ${width} rounded-[12px] border border-line bg-raised shadow-2xl`}
          >
            <div className={isTop ? "sr-only" : "pt-3 pr-14 pl-4"}>
              <div className="min-w-0 pt-1">
                <Radix.Title className="break-words">{title}</Radix.Title>
                {description !== undefined && (
                  <Radix.Description className="text-muted">{description}</Radix.Description>
                )}
              </div>
            </div>
            {isTop ? children : <div className="max-h-[75vh] overflow-y-auto px-4 pt-3 pb-4">{children}</div>}
            {/* The last one, so that the first field of the window is where one begins to type. */}
            <Radix.Close asChild>
              <IconButton label={text("Close")} className={isTop ? "sr-only" : "absolute top-3 right-3"}>
                <X size={18} aria-hidden />
              </IconButton>
            </Radix.Close>
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}
