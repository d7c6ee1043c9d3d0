import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

export interface MenuItem {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly isDanger?: boolean;
  readonly isChosen?: boolean;
  readonly run: () => void;
}

/** A list of actions behind a button. Not modal: the modal form writes a style element, which the page's policy forbids. */
export function Menu({
  trigger,
  groups,
}: {
  trigger: ReactNode;
  groups: readonly { readonly label?: string; readonly items: readonly MenuItem[] }[];
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="z-50 min-w-44 rounded-[9px] border border-line bg-raised p-1 shadow-xl"
        >
          {groups.map(({ label, items }, at) => (
            <DropdownMenu.Group key={label ?? at}>
              {at > 0 && <DropdownMenu.Separator className="my-1 h-px bg-line" />}
              {label !== undefined && (
                <DropdownMenu.Label className="px-2 py-1 text-[12.5px] text-muted">
                  {label}
                </DropdownMenu.Label>
              )}
              {items.map((item) => (
                <DropdownMenu.Item
                  key={item.label}
                  onSelect={item.run}
                  aria-current={item.isChosen === true ? "true" : undefined}
                  className={`flex h-8 cursor-pointer items-center gap-2 rounded-[6px] px-2 outline-none data-[highlighted]:bg-hover ${item.isDanger === true ? "text-bad" : ""} ${item.isChosen === true ? "font-semibold" : ""}`}
                >
                  {item.icon}
                  {item.label}
                </DropdownMenu.Item>
              ))}
            </DropdownMenu.Group>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
