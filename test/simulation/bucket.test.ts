/** What the simulated bucket refuses as R2 does, and its bad spells, seen through the product's own repeats of reads. */
import { expect, it } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { LimitedBlobStore } from "../../state-engine/blob-store/limited-blob-store.ts";
import { scenarioOf } from "./scenario.ts";
import { NO_FAULTS, type FaultRates } from "./faults.ts";
import { World } from "./world.ts";

const BYTES = new Uint8Array(3);

/** Runs `work` in a lifetime of one object, over the bucket of a world with these faults. */
async function withStore<Result>(
  rates: Partial<FaultRates>,
  work: (store: BlobStore, world: World) => Promise<Result>,
): Promise<Result> {
  let result: Promise<Result> | undefined;
  const world: World = new World({
    seed: 1,
    rates: { ...NO_FAULTS, ...rates },
    memoryBytes: 1 << 20,
    createLogic: (_name, context) => ({
      append: () => (result = work(context.blobStore, world)),
    }),
  });
  world.bucket.place("there", BYTES);
  await world.watch(async () => {
    const call = world
      .outside("client")
      .source(0)
      .append({} as never);
    expect(await world.run({ events: 10_000, simulatedMs: 3_600_000 })).toBe("empty");
    await call;
  });
  world.close();
  return result!;
}

async function outcomeOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    (value) => String(value),
    (error: Error) => error.message,
  );
}

it("refuses a second write of a key within a second, and takes one a second later", async () => {
  const outcomes = await withStore({}, async (store, world) => {
    const first = await outcomeOf(store.put("key", BYTES));
    const again = await outcomeOf(store.put("key", new Uint8Array(9)));
    const ifAbsent = await outcomeOf(store.put("key", BYTES, { ifAbsent: true }));
    const other = await outcomeOf(store.put("other", BYTES));
    const bytes = (await store.get("key"))!.length;
    await world.sleep(1_000);
    const later = await outcomeOf(store.put("key", BYTES));
    return { first, again, ifAbsent, other, bytes, later };
  });
  expect(outcomes).toEqual({
    first: "written",
    again: expect.stringContaining("429") as string,
    ifAbsent: expect.stringContaining("429") as string,
    other: "written",
    bytes: 3,
    later: "written",
  });
});

it("refuses requests of every kind without effect when it is asked too much", async () => {
  const outcomes = await withStore({ blobThrottled: 1 }, async (store, world) => {
    const requests = [
      store.get("there"),
      store.getRange("there", 0, 1),
      store.list(""),
      store.put("new", BYTES),
      store.delete(["there"]),
    ];
    const messages = await Promise.all(requests.map(outcomeOf));
    return { messages, paths: world.bucket.paths };
  });
  expect(outcomes.paths).toEqual(["there"]);
  expect(outcomes.messages).toEqual(Array(5).fill(expect.stringContaining("429")));
});

it("has bad spells that outlast a read's repeats, and reads succeed again after each", async () => {
  const outcomes = await withStore({ blobBadSpell: 0.1 }, async (store, world) => {
    const repeating = new LimitedBlobStore(store, () => 6);
    const found: boolean[] = [];
    for (let read = 0; read < 200; read++) {
      found.push((await outcomeOf(repeating.get("there"))) === "0,0,0");
      await world.sleep(100);
    }
    return found;
  });
  expect(outcomes.filter((isFound) => isFound).length).toBeGreaterThan(50);
  expect(outcomes.filter((isFound) => !isFound).length).toBeGreaterThan(20);
});

it("is throttled and has bad spells in some of the worlds of seeds", () => {
  const rates = Array.from({ length: 100 }, (_, seed) => scenarioOf(seed + 1).rates);
  expect(rates.filter(({ blobThrottled }) => blobThrottled > 0).length).toBeGreaterThan(20);
  expect(rates.filter(({ blobBadSpell }) => blobBadSpell > 0).length).toBeGreaterThan(20);
});
