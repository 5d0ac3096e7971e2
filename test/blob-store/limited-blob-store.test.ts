import { describe, expect, test } from "vitest";
import { LimitedBlobStore } from "../../state-engine/blob-store/limited-blob-store.ts";
import { MemoryBlobStore, StateEngineError } from "../../state-engine/index.ts";
import type { StateEngineErrorKind } from "../../state-engine/errors.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { blobStoreContract } from "../contract/blob-store.ts";

const clock = { now: () => Date.UTC(2026, 0) };

blobStoreContract(
  "LimitedBlobStore",
  () => new LimitedBlobStore(new MemoryBlobStore(clock), () => 2),
);

/** Answers when it is told to, in whatever order. */
class HeldBlobStore extends MemoryBlobStore {
  readonly held: { readonly path: string; readonly answer: () => void }[] = [];

  override async get(path: string): Promise<Uint8Array | undefined> {
    await this.#hold(path);
    if (path === "failing") throw new Error("The store failed.");
    return super.get(path);
  }

  override async put(path: string, bytes: Uint8Array): Promise<"written" | "exists"> {
    await this.#hold(path);
    return super.put(path, bytes);
  }

  /** What is under way, by path. */
  get paths(): string[] {
    return this.held.map(({ path }) => path);
  }

  async answer(path: string): Promise<void> {
    const index = this.paths.indexOf(path);
    this.held.splice(index, 1)[0]!.answer();
    await settled();
  }

  #hold(path: string): Promise<void> {
    return new Promise((answer) => this.held.push({ path, answer }));
  }
}

/** Fails the first so many ranges and deletes. */
class FailingBlobStore extends MemoryBlobStore {
  readonly #failures: number;
  readonly #kind: StateEngineErrorKind;
  requests = 0;

  constructor(failures: number, kind: StateEngineErrorKind) {
    super(clock);
    this.#failures = failures;
    this.#kind = kind;
  }

  override async getRange(
    path: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    this.#fail();
    return await super.getRange(path, offset, length);
  }

  override async delete(paths: readonly string[]): Promise<void> {
    this.#fail();
    await super.delete(paths);
  }

  #fail(): void {
    this.requests++;
    if (this.requests > this.#failures) return;
    throw new StateEngineError(this.#kind, `Failure ${this.requests}.`);
  }
}

/** Everything that waits for nothing but promises has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function open(limit: () => number): { store: HeldBlobStore; limited: BlobStore } {
  const store = new HeldBlobStore(clock);
  return { store, limited: new LimitedBlobStore(store, limit) };
}

describe("LimitedBlobStore", () => {
  test("has six requests under way and lets the next in as one ends", async () => {
    const { store, limited } = open(() => 6);
    const puts = Array.from({ length: 9 }, (_, index) => limited.put(`${index}`, new Uint8Array()));
    expect(store.paths).toEqual(["0", "1", "2", "3", "4", "5"]);
    await store.answer("3");
    expect(store.paths).toEqual(["0", "1", "2", "4", "5", "6"]);
    for (const path of ["0", "1", "2", "4", "5", "6", "7", "8"]) await store.answer(path);
    expect(await Promise.all(puts)).toEqual(Array.from({ length: 9 }, () => "written"));
  });

  test("keeps one request for writes however many reads wait", async () => {
    const { store, limited } = open(() => 6);
    const reads = Array.from({ length: 20 }, (_, index) => limited.get(`r${index}`));
    expect(store.paths).toEqual(["r0", "r1", "r2", "r3", "r4"]);
    const first = limited.put("w0", new Uint8Array());
    const second = limited.put("w1", new Uint8Array());
    expect(store.paths).toEqual(["r0", "r1", "r2", "r3", "r4", "w0"]);
    await store.answer("r1");
    // A write that waits goes before reads that wait longer.
    expect(store.paths).toEqual(["r0", "r2", "r3", "r4", "w0", "w1"]);
    while (store.held.length > 0) await store.answer(store.paths[0]!);
    await Promise.all([first, second, ...reads]);
  });

  test("makes room again when a request fails", async () => {
    const { store, limited } = open(() => 2);
    const failing = limited.get("failing");
    const next = limited.get("next");
    expect(store.paths).toEqual(["failing"]);
    await Promise.all([
      expect(failing).rejects.toThrow("The store failed."),
      store.answer("failing"),
    ]);
    expect(store.paths).toEqual(["next"]);
    await store.answer("next");
    expect(await next).toBeUndefined();
  });

  test("follows a limit that falls and rises", async () => {
    let limit = 4;
    const { store, limited } = open(() => limit);
    const reads = Array.from({ length: 6 }, (_, index) => limited.get(`${index}`));
    expect(store.paths).toEqual(["0", "1", "2"]);
    limit = 2;
    await store.answer("0");
    await store.answer("1");
    expect(store.paths).toEqual(["2"]);
    await store.answer("2");
    expect(store.paths).toEqual(["3"]);
    limit = 6;
    await store.answer("3");
    expect(store.paths).toEqual(["4", "5"]);
    while (store.held.length > 0) await store.answer(store.paths[0]!);
    expect(await Promise.all(reads)).toEqual(reads.map(() => undefined));
  });
});

describe("LimitedBlobStore over a store that fails", () => {
  test.each([
    { failures: 2, kind: "unavailable", requests: 3, outcome: "fulfilled" },
    { failures: 3, kind: "unavailable", requests: 3, outcome: "rejected" },
    { failures: 1, kind: "corruption", requests: 1, outcome: "rejected" },
  ] as const)(
    "repeats a read that fails with $kind $failures times: $requests requests, $outcome",
    async ({ failures, kind, requests, outcome }) => {
      const store = new FailingBlobStore(failures, kind);
      const limited = new LimitedBlobStore(store, () => 2);
      await store.put("a", Uint8Array.of(1));
      const [read] = await Promise.allSettled([limited.getRange("a", 0, 1)]);
      expect([read.status, store.requests]).toEqual([outcome, requests]);
    },
  );

  test("leaves it to the caller to repeat a write that fails", async () => {
    const store = new FailingBlobStore(1, "unavailable");
    const limited = new LimitedBlobStore(store, () => 2);
    await expect(limited.delete(["a"])).rejects.toThrow("Failure 1.");
    expect(store.requests).toBe(1);
  });
});
