import { useState } from "react";
import { useLocation } from "wouter";
import { Button } from "../../components/button.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { useText } from "../../lib/text.ts";
import { type UpstreamEntry, useAddUpstreams } from "./use-add-upstreams.ts";

const COMMAND = "clewline simulate";
/** Where the command serves, unless it is told otherwise. */
const USUAL_URL = "http://127.0.0.1:8585";
const CREDENTIALS = [{ name: "main", api_key: "any-key-will-do" }];
/** A model that the simulator answers for. */
const FIRST_MODEL = "gpt-5.4";

const upstreamsAt = (url: string): readonly UpstreamEntry[] => [
  {
    name: "simulated-openai",
    family: "openai",
    base_url: `${url}/v1`,
    dialects: ["openai-responses", "openai-chat"],
    credentials: CREDENTIALS,
  },
  { name: "simulated-anthropic", family: "anthropic", base_url: url, credentials: CREDENTIALS },
  { name: "simulated-gemini", family: "gemini", base_url: url, credentials: CREDENTIALS },
];

/** Providers without an account: one command in another terminal, and upstreams that lead there. */
export function AddSimulator({ onClose }: { onClose: () => void }) {
  const text = useText();
  const [, go] = useLocation();
  const [url, setUrl] = useState(USUAL_URL);
  const { mutate, error, isPending } = useAddUpstreams();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        mutate(upstreamsAt(url.replace(/\/+$/, "")), { onSuccess: () => go(`/playground?a=${FIRST_MODEL}`) });
      }}
      className="flex flex-col gap-4"
    >
      <p>{text("The simulator answers as providers do. It needs no account and costs nothing.")}</p>
      <div>
        <p className="mb-1">{text("Run this in another terminal of the gateway's machine:")}</p>
        <div className="flex flex-wrap items-center gap-2">
          <code className="min-w-0 flex-1 rounded-[7px] bg-sunken px-3 py-1.5 font-mono text-[13px]">
            {COMMAND}
          </code>
          <CopyButton value={COMMAND} />
        </div>
      </div>
      <Field
        label={text("Address of the simulator")}
        required
        value={url}
        onChange={({ target }) => setUrl(target.value)}
        help={text("As the command prints it.")}
      />
      {error !== null && <ErrorNotice error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{text("Close")}</Button>
        <Button look="primary" type="submit" isBusy={isPending}>
          {text("Use the simulator")}
        </Button>
      </div>
    </form>
  );
}
