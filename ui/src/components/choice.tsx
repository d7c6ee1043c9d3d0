import { ToggleGroup } from "radix-ui";

/** Scrolls the list sideways where it is too narrow for all, so that the chosen one is seen as a whole. */
function showWhole(item: HTMLElement | null): void {
  const list = item?.parentElement;
  if (item === null || list === null || list === undefined) return;
  const [own, room] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
  if (own.right > room.right) list.scrollLeft += own.right - room.right;
  else if (own.left < room.left) list.scrollLeft -= room.left - own.left;
}

/** A few choices of which one holds. */
export function Choice<Value extends string>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: Value;
  options: readonly { readonly value: Value; readonly label: string }[];
  onChoose: (value: Value) => void;
}) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => next !== "" && onChoose(next as Value)}
      className="inline-flex h-[34px] w-fit max-w-full items-center gap-0.5 overflow-x-auto rounded-[8px] border border-line bg-sunken p-0.5"
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          ref={option.value === value ? showWhole : null}
          value={option.value}
          className="h-full rounded-[6px] px-2.5 font-medium whitespace-nowrap text-muted hover:text-ink data-[state=on]:bg-raised data-[state=on]:text-ink data-[state=on]:shadow-sm"
        >
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
