/** The thread of the labyrinth. */
export function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true" className="shrink-0 text-accent">
      <g fill="none" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round">
        <circle cx="15" cy="15" r="10.5" />
        <path d="M6 12c6-2 12 0 16 6M8.5 22c1-6 5-11 12-14M25 18c1 4 2 8 5 10" />
      </g>
    </svg>
  );
}
