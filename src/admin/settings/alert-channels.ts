/** The channels of alerts, and a test of each. */
import { AdminError } from "../admin-error.ts";
import type { AdminContext } from "../context.ts";
import type { Handlers } from "../handler.ts";

export function makeAlertHandlers({
  alerts,
}: AdminContext): Pick<Handlers, "listAlertChannels" | "testAlertChannel"> {
  return {
    listAlertChannels: () => ({
      channels: alerts.list().map((channel) => ({
        ...channel,
        events: [...channel.events],
        problem: withoutReceiver(channel.problem, channel.receiver),
      })),
    }),
    async testAlertChannel({ params: { name } }) {
      const channel = alerts.list().find((one) => one.name === name);
      const delivery = channel === undefined ? null : await alerts.test(name);
      if (channel === undefined || delivery === null)
        throw new AdminError("not_found", `there is no channel "${name}"`, {
          repair: "save it first, or read the list again",
        });
      const { isTaken, status, problem = null, body = "" } = delivery;
      const { receiver } = channel;
      return { isTaken, receiver, status, problem: withoutReceiver(problem, receiver), said: body };
    },
  };
}

/** A problem begins with its receiver, which a page shows beside it. */
function withoutReceiver(problem: string | null, receiver: string): string | null {
  const start = `${receiver} `;
  return problem?.startsWith(start) ? problem.slice(start.length) : problem;
}
