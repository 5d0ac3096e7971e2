/** The simulated world itself, with small scripted objects in place of the real logic. */
import { expect, it } from "vitest";
import type { ObjectContext, Peers } from "../../durable-objects/object-context.ts";
import { NO_FAULTS, type FaultRates } from "./faults.ts";
import type { Logic } from "./simulated-object.ts";
import { type ObjectName, World } from "./world.ts";

const HARSH: FaultRates = {
  lostCall: 0.05,
  lostAnswer: 0.05,
  repeatedCall: 0.05,
  slowCall: 0.05,
  crash: 0.02,
  crashAtPoint: 0.05,
  crashAtCall: 0.02,
  zombie: 0.5,
  blobFailure: 0.05,
  blobIndeterminate: 0.05,
  blobDelayed: 0.05,
  blobSlow: 0.05,
  lastCall: 0,
  deploy: 0.002,
  outsideFailure: 0.05,
  outsideSlow: 0.05,
  blobThrottled: 0.05,
  blobBadSpell: 0.05,
};

/** Counts durably what it is told, tells the next source, and writes a blob about it. */
function counter(name: ObjectName, context: ObjectContext): Logic {
  const index = name.kind === "source" ? name.index : 0;
  context.sql.exec("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, lifetime TEXT)");
  const lifetime = context.environment.newId();
  return {
    async append(argument: unknown) {
      const { id } = argument as { id: string };
      context.crashPoint("beforeInsert");
      context.sql.exec("INSERT OR IGNORE INTO seen VALUES (?, ?)", id, lifetime);
      context.alarm.set(context.environment.now() + 100);
      await context.blobStore.put(`seen/${index}/${id}`, new Uint8Array(10)).catch(() => undefined);
      context.crashPoint("afterPut");
      if (index < 2) await forward(context.peers, index + 1, id);
      return lifetime;
    },
    async alarm() {
      await context.blobStore.list("seen/").catch(() => undefined);
    },
  };
}

async function forward(peers: Peers, index: number, id: string): Promise<void> {
  await peers.source(index).append({ id } as never);
}

async function runCounters(seed: number, rates: FaultRates): Promise<World> {
  const world = new World({ seed, rates, createLogic: counter, memoryBytes: 1 << 20 });
  const client = world.outside("client");
  const tell = async (id: string): Promise<void> => {
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        await client.source(0).append({ id } as never);
        return;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
    }
    throw new Error(`No attempt to tell ${id} was answered.`);
  };
  await world.watch(async () => {
    const told = Array.from({ length: 20 }, (_, number) => tell(`line-${number}`));
    expect(await world.run({ events: 20_000, simulatedMs: 3_600_000 })).toBe("empty");
    await Promise.all(told);
  });
  return world;
}

it("repeats a run bit for bit from its seed, and not from another", async () => {
  const [first, again, other] = [
    await runCounters(7, HARSH),
    await runCounters(7, HARSH),
    await runCounters(8, HARSH),
  ];
  expect(again.scheduler.trace.checksum).toBe(first.scheduler.trace.checksum);
  expect(other.scheduler.trace.checksum).not.toBe(first.scheduler.trace.checksum);
});

it("keeps storage and ends in silence, whatever goes wrong on the way", async () => {
  const world = await runCounters(11, HARSH);
  for (const index of [0, 1, 2]) {
    const { storage } = world.object({ kind: "source", index });
    expect(storage.exec("SELECT id FROM seen")).toHaveLength(20);
  }
  expect(world.scheduler.pending).toBe(0);
  expect(world.objects.every((object) => object.instance === undefined)).toBe(true);
});

/** One lifetime that would act for ever, if it could. */
function busyLogic(acts: string[]): (name: ObjectName, context: ObjectContext) => Logic {
  return (_name, context) => {
    const act = async (): Promise<void> => {
      acts.push("call");
      await context.peers.coordinator().status();
      acts.push("answered");
      context.setTimer(5, () => void act());
    };
    return {
      status: () => Promise.resolve("here"),
      append: () => act(),
      stored: () => context.sql.exec("SELECT 1 AS one"),
      alarm: () => Promise.resolve(),
    };
  };
}

it("lets a lifetime that lost its memory do nothing more", async () => {
  const acts: string[] = [];
  const createLogic = busyLogic(acts);
  const world = new World({ seed: 1, rates: NO_FAULTS, createLogic, memoryBytes: 1 << 20 });
  const source = world.object({ kind: "source", index: 0 });
  const outcome = source.deliver("append", undefined);
  await world.run({ events: 20, simulatedMs: 1_000 });
  source.loseMemory("in the test");
  const before = acts.length;
  expect(before).toBeGreaterThan(2);
  expect(await world.run({ events: 1_000, simulatedMs: 60_000 })).toBe("empty");
  expect(acts).toHaveLength(before);
  expect(await outcome).toMatchObject({ ok: true });
});

it("lets a zombie act until it touches its storage, beside the lifetime that replaced it", async () => {
  const acts: string[] = [];
  const createLogic = busyLogic(acts);
  const world = new World({ seed: 1, rates: NO_FAULTS, createLogic, memoryBytes: 1 << 20 });
  const source = world.object({ kind: "source", index: 0 });
  void source.deliver("append", undefined);
  await world.run({ events: 20, simulatedMs: 1_000 });
  const zombie = source.instance!;
  source.becomeZombie(600_000);
  const before = acts.length;
  await world.run({ events: 20, simulatedMs: 1_000 });
  expect(acts.length).toBeGreaterThan(before);
  void source.deliver("stored", undefined);
  expect(source.instance).not.toBe(zombie);
  expect(() => zombie.sql.exec("SELECT 1 AS one")).toThrow("memory is lost");
  expect(zombie.hasMemory).toBe(false);
});

it("counts a rejection nobody handled as a broken promise", async () => {
  const createLogic = (): Logic => ({
    append: () => {
      void Promise.reject(new Error("nobody looks"));
      return Promise.resolve();
    },
  });
  const world = new World({ seed: 1, rates: NO_FAULTS, createLogic, memoryBytes: 1 << 20 });
  const client = world.outside("client");
  await world.watch(async () => {
    const call = client.source(0).append({} as never);
    expect(await world.run({ events: 10, simulatedMs: 1_000 })).toBe("violation");
    void call;
  });
  expect(world.violations.first).toContain("nobody looks");
});
