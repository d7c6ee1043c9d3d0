import { useRef, useState } from "react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { call } from "../../lib/api.ts";

/** `error`: no request could be sent. */
export type CredentialTest =
  | { readonly state: "running" }
  | { readonly state: "done"; readonly reply: ReplyOf<"testCredential"> }
  | { readonly state: "failed"; readonly error: unknown };

/** Each test costs something, and keys of one account are limited together. */
const MAX_TESTED = 20;
const AT_ONCE = 3;

/** Tests credentials one after the other, with one small request each. */
export function useCredentialTests(
  onAnswer: (model: string) => void = () => {},
  onFail: () => void = () => {},
) {
  const [tests, setTests] = useState<ReadonlyMap<string, CredentialTest>>(new Map());
  const told = useRef({ onAnswer, onFail });
  told.current = { onAnswer, onFail };
  const put = (id: string, test: CredentialTest): void => setTests((before) => new Map(before).set(id, test));

  const testOne = async (id: string): Promise<void> => {
    // No name of an upstream has a slash.
    const slash = id.indexOf("/");
    const params = { upstream: id.slice(0, slash), name: id.slice(slash + 1) };
    put(id, { state: "running" });
    try {
      const reply = await call("testCredential", { params, body: {} });
      put(id, { state: "done", reply });
      if (reply.isGood) told.current.onAnswer(reply.model);
      else told.current.onFail();
    } catch (error) {
      put(id, { state: "failed", error });
      told.current.onFail();
    }
  };
  const testAll = async (ids: readonly string[]): Promise<void> => {
    const waiting = ids.slice(0, MAX_TESTED);
    const next = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await testOne(id);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  };
  return { tests, testAll };
}
