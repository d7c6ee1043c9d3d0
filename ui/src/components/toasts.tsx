import { X } from "lucide-react";
import { Toast } from "radix-ui";
import { createContext, type ReactNode, useContext, useMemo, useState } from "react";
import { useText } from "../lib/text.ts";
import { Button, IconButton } from "./button.tsx";

export interface ToastContent {
  readonly title: string;
  readonly detail?: string;
  readonly isBad?: boolean;
  readonly action?: { readonly label: string; readonly run: () => void };
}

const ShowToast = createContext<(content: ToastContent) => void>(() => {});
const SHOWN_MS = 6_000;
const SHOWN_WITH_ACTION_MS = 15_000;

export function useToast(): (content: ToastContent) => void {
  return useContext(ShowToast);
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const text = useText();
  const [shown, setShown] = useState<readonly (ToastContent & { readonly id: number })[]>([]);
  const show = useMemo(() => {
    let last = 0;
    return (content: ToastContent): void => {
      last += 1;
      const id = last;
      setShown((before) => [...before.slice(-3), { ...content, id }]);
    };
  }, []);
  const hide = (id: number): void => setShown((before) => before.filter((one) => one.id !== id));
  return (
    <ShowToast value={show}>
      <Toast.Provider label={text("Notification")}>
        {children}
        {shown.map(({ id, title, detail, isBad, action }) => (
          <Toast.Root
            key={id}
            duration={action === undefined ? SHOWN_MS : SHOWN_WITH_ACTION_MS}
            onOpenChange={(open) => open || hide(id)}
            className={`flex items-start gap-2 rounded-[10px] border bg-raised p-3 shadow-xl ${isBad === true ? "border-bad" : "border-edge"}`}
          >
            <div className="min-w-0 flex-1">
              <Toast.Title className="font-medium break-words">{title}</Toast.Title>
              {detail !== undefined && (
                <Toast.Description className="break-words text-muted">{detail}</Toast.Description>
              )}
            </div>
            {action !== undefined && (
              <Toast.Action altText={action.label} asChild>
                <Button onClick={action.run}>{action.label}</Button>
              </Toast.Action>
            )}
            <Toast.Close asChild>
              <IconButton label={text("Close")} className="size-7">
                <X size={15} aria-hidden />
              </IconButton>
            </Toast.Close>
          </Toast.Root>
        ))}
        <Toast.Viewport className="fixed right-3 bottom-16 z-60 flex w-[min(380px,calc(100vw-24px))] flex-col gap-2 outline-none md:bottom-3" />
      </Toast.Provider>
    </ShowToast>
  );
}
