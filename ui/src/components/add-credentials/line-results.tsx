import { CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { ApiError } from "../../lib/api.ts";
import { dollars, duration } from "../../lib/format.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import type { CredentialTest } from "./use-credential-tests.ts";

/** What came of each line, and of the test of each credential that was added. */
export function LineResults({
  results,
  tests,
}: {
  results: ReplyOf<"addCredentials">["results"];
  tests: ReadonlyMap<string, CredentialTest>;
}) {
  const text = useText();
  const said = useGatewayText();
  return (
    <ul className="flex max-h-64 flex-col gap-2 overflow-y-auto" aria-live="polite">
      {results.map(({ line, isAdded, id, message }) => (
        <li key={line} className="flex flex-col gap-0.5">
          <Result isGood={isAdded}>
            {results.length > 1 && `${text("Line {line}", { line })}: `}
            {isAdded ? text("{name} was added", { name: id ?? "" }) : said(message)}
            {isAdded && message !== "" && ` · ${said(message)}`}
          </Result>
          {id !== null && <TestResult test={tests.get(id)} />}
        </li>
      ))}
    </ul>
  );
}

function Result({ isGood, children }: { isGood: boolean; children: ReactNode }) {
  const Icon = isGood ? CircleCheck : CircleX;
  return (
    <p className="flex items-start gap-2">
      <Icon size={16} aria-hidden className={`mt-0.5 shrink-0 ${isGood ? "text-good" : "text-bad"}`} />
      <span className="min-w-0 break-words">{children}</span>
    </p>
  );
}

function TestResult({ test }: { test: CredentialTest | undefined }) {
  const text = useText();
  const said = useGatewayText();
  if (test === undefined) return null;
  if (test.state === "running")
    return (
      <p className="flex items-center gap-2 text-muted">
        <LoaderCircle size={16} aria-hidden className="animate-spin" />
        {text("Testing it with one small request…")}
      </p>
    );
  if (test.state === "failed")
    return (
      <Result isGood={false}>
        {test.error instanceof ApiError ? said(test.error.message) : String(test.error)}
      </Result>
    );
  const { isGood, status, model, text: words, firstByteMs, durationMs, costNanoUsd, requestId } = test.reply;
  return (
    <Result isGood={isGood}>
      {isGood ? text("It works") : `${text("Status {status}", { status })}: ${words}`}{" "}
      <span className="text-[13px] text-muted">
        <span className="font-mono">{model}</span> ·{" "}
        <span className="tabular">
          {duration(firstByteMs ?? durationMs)} · {dollars(costNanoUsd)}
        </span>{" "}
        ·{" "}
        <Link href={`/requests/${requestId}`} className="text-accent underline">
          {text("The request")}
        </Link>
      </span>
    </Result>
  );
}
