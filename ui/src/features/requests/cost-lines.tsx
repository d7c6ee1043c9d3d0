import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { dollars, NONE, whole } from "../../lib/format.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";

/** The bill of a request, line by line. */
export function CostLines({ cost }: { cost: ReplyOf<"getRequest">["cost"] }) {
  const text = useText();
  const said = useGatewayText();
  const { lines, nanoUsd, savedNanoUsd, priceVersion, gaps } = cost;
  return (
    <>
      {lines !== null && (
        <table className="w-full text-left">
          <tbody className="tabular">
            {lines.map(({ label, units, rateNanoUsd, per, nanoUsd: amount }) => (
              <tr key={label} className="border-b border-line">
                <td className="py-1 pr-2">{said(label)}</td>
                <td className="py-1 pr-2 text-right">{whole(units)}</td>
                <td className="py-1 pr-2 text-right whitespace-nowrap text-muted">
                  {rateNanoUsd === null
                    ? NONE
                    : `× ${dollars(rateNanoUsd)} ${per === "million tokens" ? "/ 1M" : "/ 1k"}`}
                </td>
                <td className="py-1 text-right">{dollars(amount)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="flex justify-between pt-1 font-semibold">
        <span>{text("Sum")}</span>
        <span className="tabular">{dollars(nanoUsd)}</span>
      </p>
      {nanoUsd === null && (
        <p className="text-muted">{text("The request has no cost: no usage or no price is known.")}</p>
      )}
      {nanoUsd !== null && lines === null && (
        <p className="text-[13px] text-muted">
          {text("The prices of now would give another sum, so no lines are shown.")}
        </p>
      )}
      {savedNanoUsd !== null && (
        <p className="text-[13px] text-good">
          {text("The response cache saved {amount}.", { amount: dollars(savedNanoUsd) })}
        </p>
      )}
      {gaps.length > 0 && (
        <p className="text-[13px] text-warn">
          {text("The price does not say: {gaps}", { gaps: gaps.join(", ") })}
        </p>
      )}
      {priceVersion !== null && (
        <p className="text-[13px] text-muted">{text("Price list {version}", { version: priceVersion })}</p>
      )}
    </>
  );
}
