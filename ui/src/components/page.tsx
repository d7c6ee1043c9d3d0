import { type ReactNode, useEffect } from "react";

/** The head of a page, its tools beside it, and the title of the window. */
export function Page({ title, tools, children }: { title: string; tools?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Clewline`;
  }, [title]);
  return (
    <div className="mx-auto flex w-full max-w-[1500px] flex-col gap-4 px-3 py-4 sm:px-6 sm:py-5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="flex-1" id="page-title">
          {title}
        </h1>
        {tools}
      </div>
      {children}
    </div>
  );
}

export function Panel({
  title,
  tools,
  children,
  className = "",
}: {
  title?: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={`panel min-w-0 ${className}`}>
      {title !== undefined && (
        <div className="flex flex-wrap items-center gap-2 px-4 pt-3">
          <h2 className="flex-1">{title}</h2>
          {tools}
        </div>
      )}
      <div className="px-4 pt-2 pb-4">{children}</div>
    </section>
  );
}
