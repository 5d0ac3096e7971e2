/**
 * What lies outside the job and is asked by it: services that its functions call, buckets that its feeds
 * read. Asking takes time, fails, or takes longer than anybody waits, as the dice of the world say.
 *
 * Promise: a lifetime that lost its memory is told no answer. What is asked changes nothing.
 */
import type { Instance } from "./instance.ts";
import type { World } from "./world.ts";

export interface Outside {
  /** Resolves with `answer`, computed when it leaves; rejects when the asked one fails. */
  ask<Answer>(what: string, answer: () => Answer): Promise<Answer>;
}

export const nothingOutside: Outside = {
  ask: (what) => Promise.reject(new Error(`Nobody is there to ask ${what}.`)),
};

/** The world outside, asked by one lifetime of an object. */
export function outsideOf({ faults, scheduler }: World, caller: Instance): Outside {
  return {
    ask(what, answer) {
      const { promise, reject, resolve } = Promise.withResolvers<ReturnType<typeof answer>>();
      const label = `${caller.name} asks ${what}`;
      if (!caller.beginOutgoing(label)) return promise;
      const fails = faults.happens("outsideFailure");
      scheduler.schedule(faults.outsideLatency(), fails ? `failed: ${label}` : label, () =>
        caller.endOutgoing(() =>
          fails ? reject(new Error(`No answer to ${what}.`)) : resolve(answer()),
        ),
      );
      return promise;
    },
  };
}
