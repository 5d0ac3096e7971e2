/** The coordinator's pure decisions, over random facts. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { estimateCost } from "../../../durable-objects/coordinator/cost.ts";
import { decideAcknowledgement } from "../../../durable-objects/coordinator/decide-acknowledgement.ts";
import {
  decideCodeVersion,
  retireVersion,
} from "../../../durable-objects/coordinator/decide-code-version.ts";
import {
  earliestDue,
  purposesDue,
  type DueFacts,
} from "../../../durable-objects/coordinator/due-list.ts";
import {
  checkpointDueAt,
  intervalNow,
  planCheckpoint,
} from "../../../durable-objects/coordinator/plan-checkpoint.ts";
import { planRestart } from "../../../durable-objects/coordinator/plan-restart.ts";
import {
  selectDeadManifests,
  selectGarbage,
  selectSubsumed,
} from "../../../durable-objects/coordinator/select-garbage.ts";
import { spread } from "../../../durable-objects/coordinator/statistics.ts";
import type { SourceReport } from "../../../durable-objects/messages.ts";
import { defaultJobOptions } from "../../../dataflow/options.ts";

const checkpointOptions = {
  mode: "incremental",
  timeoutMs: 100,
  minPauseMs: 0,
  cleanupLimit: 3,
  uncommittedLimit: 3,
} as const;

const status = fc.constantFrom("RUNNING", "RESTARTING", "STOPPED", "FAILED" as const);
const id = fc.integer({ min: 0, max: 20 });

it("[CK7] [rule 26] begins a checkpoint only while the job runs, none is pending and there is a reason", () => {
  fc.assert(
    fc.property(
      status,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (now, hasPending, uncovered, asked) => {
        const plan = planCheckpoint({
          now: 5,
          status: now,
          hasPending,
          changed: uncovered,
          requested: asked ? ["full"] : [],
          isForced: false,
          options: checkpointOptions,
          nextCheckpoint: 9,
          completed: 7,
          completedAt: 0,
          cleaning: 0,
          uncommitted: 0,
        });
        const isOpen = now === "RUNNING" && !hasPending;
        expect(plan.kind === "trigger").toBe(isOpen && (uncovered || asked));
        if (plan.kind !== "trigger") return;
        expect(plan).toMatchObject({
          id: 9,
          base: 7,
          deadline: 105,
          mode: asked ? "full" : "incremental",
        });
      },
    ),
  );
});

it("[rule 36] begins none in the min pause, or while too much is left to delete or to commit", () => {
  const facts = fc.record({
    asked: fc.boolean(),
    isForced: fc.boolean(),
    completedAt: fc.integer({ min: 0, max: 100 }),
    cleaning: fc.integer({ min: 0, max: 6 }),
    uncommitted: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(facts, ({ asked, ...one }) => {
      const plan = planCheckpoint({
        ...one,
        now: 100,
        status: "RUNNING",
        hasPending: false,
        changed: true,
        requested: asked ? [undefined] : [],
        options: { ...checkpointOptions, minPauseMs: 40 },
        nextCheckpoint: 9,
        completed: 7,
      });
      const isHeldUp = one.cleaning > 3 || one.uncommitted > 3;
      const pauses = one.completedAt > 60 && !asked && !one.isForced;
      const paused = { kind: "postpone", until: one.completedAt + 40 };
      const expected = isHeldUp ? { kind: "holdUp" } : pauses ? paused : { kind: "trigger" };
      expect(plan).toMatchObject(expected);
    }),
  );
});

it("the interval is another one while a source works off a backlog", () => {
  const report = (behind: number) =>
    ({ accepted: 500_000, processed: 500_000 - behind }) as SourceReport;
  const { checkpoint } = defaultJobOptions;
  const options = { ...checkpoint, intervalMs: 10, intervalDuringBacklogMs: 50 };
  expect(intervalNow(options, [report(99_999), undefined])).toBe(10);
  expect(intervalNow(options, [report(0), report(100_000)])).toBe(50);
  expect(intervalNow({ ...options, intervalDuringBacklogMs: 0 }, [report(100_000)])).toBe(0);
  expect(intervalNow({ ...options, intervalDuringBacklogMs: null }, [report(100_000)])).toBe(10);
  expect(intervalNow({ ...options, intervalMs: 0 }, [report(100_000)])).toBe(0);
});

it("[rule 24] [rule 25] never schedules into the min pause, but for a log half full", () => {
  const facts = fc.record({
    now: fc.integer({ min: 1_000, max: 2_000 }),
    intervalMs: fc.integer({ min: 0, max: 500 }),
    minPauseMs: fc.integer({ min: 0, max: 500 }),
    lastTriggerAt: fc.integer({ min: 0, max: 1_000 }),
    completedAt: fc.integer({ min: 0, max: 1_000 }),
    reason: fc.constantFrom("input", "silent", "halfFull" as const),
  });
  fc.assert(
    fc.property(facts, (one) => {
      const at = checkpointDueAt(one);
      expect(at === undefined).toBe(one.intervalMs === 0 && one.reason !== "halfFull");
      if (at === undefined) return;
      expect(at).toBeGreaterThanOrEqual(one.now);
      expect(at >= one.completedAt + one.minPauseMs || one.reason === "halfFull").toBe(true);
      expect(at).toBeLessThanOrEqual(one.now + one.intervalMs + one.minPauseMs);
    }),
  );
});

it("[rule 10a] [rule 10c] never selects an object that a retained checkpoint may list", () => {
  const object = fc.record(
    {
      path: fc.uuid(),
      createdBy: id,
      lastUsed: id,
      gap: fc.record({ first: id, last: id }),
    },
    { requiredKeys: ["path", "createdBy"] },
  );
  fc.assert(
    fc.property(fc.array(object), fc.array(id), id, (objects, retained, completed) => {
      const dead = new Set(selectGarbage({ objects, retained, completed }));
      for (const { createdBy, gap, lastUsed, path } of objects) {
        const mayList = (checkpoint: number): boolean =>
          createdBy <= checkpoint &&
          checkpoint <= lastUsed! &&
          !(gap !== undefined && gap.first <= checkpoint && checkpoint <= gap.last);
        const isNeeded = lastUsed === undefined || lastUsed >= completed || retained.some(mayList);
        expect(dead.has(path)).toBe(!isNeeded);
      }
    }),
  );
});

it("[rule 9b] never selects a manifest that a retained checkpoint's chain names, and goes oldest first", () => {
  const manifests = Array.from({ length: 20 }, (_, index) => ({ id: index, path: `chk-${index}` }));
  const chains = fc.array(fc.record({ path: id, chain: fc.array(id) }));
  fc.assert(
    fc.property(chains, (numbers) => {
      const retained = numbers.map(({ chain, path }) => ({
        path: `chk-${path}`,
        chain: chain.map((one) => `chk-${one}`),
      }));
      const dead = selectDeadManifests(manifests, retained);
      const reached = new Set(retained.flatMap(({ chain, path }) => [...chain, path]));
      expect(dead).toEqual(manifests.filter(({ path }) => !reached.has(path)));
    }),
  );
});

it("always retains the checkpoint completed last, and never more than asked for", () => {
  fc.assert(
    fc.property(
      fc.array(id, { minLength: 1 }),
      fc.integer({ min: 1, max: 5 }),
      (retained, keep) => {
        const subsumed = selectSubsumed(retained, keep);
        expect(retained.length - subsumed.length).toBe(Math.min(keep, retained.length));
        expect(subsumed).toEqual(retained.slice(0, subsumed.length));
      },
    ),
  );
});

it("[rule 3] [rule 37] counts an acknowledgement only in its generation, attempt, checkpoint and base", () => {
  const small = fc.integer({ min: 1, max: 2 });
  fc.assert(
    fc.property(small, small, small, small, (generation, attempt, checkpoint, base) => {
      const decision = decideAcknowledgement(
        {
          generation,
          attempt,
          checkpoint: checkpoint + 5,
          base,
          task: { vertex: "v", index: 0 },
          uploads: [],
          output: [],
        } as never,
        {
          generation: 2,
          attempt: 2,
          pending: { id: 7, base: 2 },
          alreadyWritten: false,
          completed: 2,
          liveObjects: new Set(),
          deadObjects: new Set(),
        },
      );
      const counts = checkpoint === 2 && base === 2;
      const ofThisAttempt = counts ? { kind: "accepted", write: true } : { kind: "refused" };
      const isNewest = generation === 2 && attempt === 2;
      expect(decision).toEqual(isNewest ? ofThisAttempt : { kind: "restore" });
    }),
  );
});

it("backs off as Flink does: multiplied, jittered, bounded, and ends after its attempts", () => {
  const options = defaultJobOptions.restart;
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
      let state = { inARow: 0, backoffMs: 0, lastFailureAt: 0 };
      let now = 1_000_000_000;
      for (let failure = 1; failure <= options.attempts; failure++) {
        const plan = planRestart({ now, options, state, random });
        expect(plan.kind).toBe("restart");
        const expected = Math.min(60_000, 1_000 * 1.5 ** (failure - 1));
        expect(plan.state.backoffMs).toBeCloseTo(expected);
        const delayMs = plan.kind === "restart" ? plan.delayMs : Infinity;
        expect(Math.abs(delayMs - expected)).toBeLessThanOrEqual(expected / 10 + 1);
        state = plan.state;
        now += 100;
      }
      expect(planRestart({ now, options, state, random }).kind).toBe("fail");
    }),
  );
});

it("[rule 5] adopts code never seen and lets code left behind wait, unless it is deployed again", () => {
  const retired = retireVersion(retireVersion([], "a"), "b");
  expect(decideCodeVersion({ current: "c", retired, attaching: "c", own: "x" })).toBe("same");
  expect(decideCodeVersion({ current: "c", retired, attaching: "d", own: "x" })).toBe("adopt");
  expect(decideCodeVersion({ current: "c", retired, attaching: "a", own: "x" })).toBe("wait");
  expect(decideCodeVersion({ current: "c", retired, attaching: "a", own: "a" })).toBe("adopt");
});

it("[rule 27] rings for the earliest purpose that may run, and never for nothing", () => {
  const due = fc.record(
    { checkpoint: id, deadline: id, requests: id, sweep: id },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(due, status, fc.boolean(), (entries, now, hasPending) => {
      const facts = { due: entries, status: now, hasPending } as DueFacts;
      const at = earliestDue(facts);
      const isAnyOpen = purposesDue(facts, Infinity).length > 0;
      expect(at !== undefined).toBe(isAnyOpen);
      expect(purposesDue(facts, at ?? Infinity).length > 0).toBe(isAnyOpen);
      expect(purposesDue(facts, (at ?? 0) - 1)).toEqual([]);
    }),
  );
});

it("answers nearest-rank percentiles", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(spread(hundred)).toEqual({
    min: 1,
    max: 100,
    avg: 51,
    p50: 50,
    p90: 90,
    p95: 95,
    p99: 99,
    p999: 100,
  });
  expect(spread([])).toMatchObject({ min: 0, max: 0, p50: 0 });
});

it("projects counted operations to a month at list prices", () => {
  const bill = estimateCost({
    elapsedMs: 24 * 3_600_000,
    objects: 3,
    storedBytes: 2e9,
    operations: { classA: 1_000_000, classB: 0, rowsWritten: 1_000_000, requests: 0 },
  });
  expect(bill).toMatchObject({
    meters: {
      r2_storage: { usd: 0.03 },
      r2_class_a: { quantity: 30_000_000, usd: 135 },
      rows_written: { usd: 30 },
    },
  });
});
