/** The restart strategies, each with Flink's parameters. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { resolveJobOptions } from "../../../dataflow/options.ts";
import { planRestart } from "../../../durable-objects/coordinator/plan-restart.ts";
import { ScriptedJob, task } from "./scripted-job.ts";

const fresh = { inARow: 0, backoffMs: 0, lastFailureAt: 0 };

/** What becomes of failures at these moments: the delays, and "fail" where it ends. */
function outcomes(restart: object, moments: readonly number[]): (number | "fail")[] {
  const { restart: options } = resolveJobOptions("j", { restart });
  let state: Parameters<typeof planRestart>[0]["state"] = fresh;
  const seen: (number | "fail")[] = [];
  for (const now of moments) {
    const plan = planRestart({ now, options, state, random: 0.5 });
    state = plan.state;
    seen.push(plan.kind === "fail" ? "fail" : plan.delayMs);
    if (plan.kind === "fail") break;
  }
  return seen;
}

it("exponential-delay grows to its maximum and starts over after the quiet time", () => {
  const restart = {
    initialBackoffMs: 100,
    maxBackoffMs: 300,
    backoffMultiplier: 2,
    jitterFactor: 0,
  };
  const quiet = { ...restart, resetBackoffThresholdMs: 10_000, attempts: 100 };
  expect(outcomes(quiet, [1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 20_000])).toEqual([
    100, 200, 300, 300, 100,
  ]);
});

it("fixed-delay restarts its number of attempts, after the same delay each, however far apart", () => {
  const restart = { strategy: "fixed-delay", attempts: 2, delayMs: 5_000 };
  expect(outcomes(restart, [0, 1e9, 2e9])).toEqual([5_000, 5_000, "fail"]);
  expect(outcomes({ strategy: "fixed-delay" }, [0, 1])).toEqual([1_000, "fail"]);
});

it("failure-rate fails with the first failure beyond its rate, and never below it", () => {
  const restart = {
    strategy: "failure-rate",
    maxFailuresPerInterval: 2,
    failureRateIntervalMs: 1_000,
    delayMs: 7,
  };
  expect(outcomes(restart, [0, 400, 999])).toEqual([7, 7, "fail"]);
  expect(outcomes(restart, [0, 400, 1_000, 1_400, 2_000])).toEqual([7, 7, 7, 7, 7]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 30 }), (gaps) => {
      let now = 0;
      const moments = gaps.map((gap) => (now += gap));
      const isBeyond = moments.some((end, index) => end - (moments[index - 2] ?? -1e9) < 1_000);
      expect(outcomes(restart, moments).includes("fail")).toBe(isBeyond);
    }),
  );
});

it("none fails at once", () => {
  expect(outcomes({ strategy: "none" }, [0])).toEqual(["fail"]);
});

it.each([
  [{ strategy: "sometimes" }, 'Write "exponential-delay" or "fixed-delay" or'],
  [{ strategy: "none", attempts: 1 }, 'has no option "restart.attempts". Write one of: strategy.'],
  [{ strategy: "fixed-delay", attempts: 0 }, 'Option "restart.attempts" of job "j" is 0.'],
  [{ strategy: "failure-rate", delayMs: -1 }, 'Option "restart.delayMs" of job "j" is -1.'],
])("restart options %j are refused with what to write instead", (restart, message) => {
  expect(() => resolveJobOptions("j", { restart: restart as object })).toThrow(message);
});

it("a job without restarts fails with its first failure; starting it by hand forgets the count", async () => {
  const job = new ScriptedJob({ restart: { strategy: "fixed-delay", attempts: 1, delayMs: 10 } });
  const failOnce = async (generation: number): Promise<void> => {
    await job.attachAll();
    const error = { name: "Error", message: "again" };
    const { attempt } = job.attached[0]!;
    await job.coordinator.fail({ task: task(0), generation, attempt, error });
    await job.advance(1_000);
  };
  await failOnce(1);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
  await failOnce(2);
  expect(await job.coordinator.status()).toEqual({ status: "FAILED" });
  expect((await job.coordinator.start({ from: "latest" })).kind).toBe("started");
  await failOnce(4);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
});
