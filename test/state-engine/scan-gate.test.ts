/** Which scans go at once and which wait: by the cursors that are open together. */
import { describe, expect, test } from "vitest";
import { ScanGate } from "../../state-engine/read/scan-gate.ts";

/** Scans that end when they are told to. */
class Scans {
  readonly begun: string[] = [];
  limit: number;
  readonly #gate: ScanGate;
  readonly #ends = new Map<string, (error?: Error) => void>();

  constructor(limit: number) {
    this.limit = limit;
    this.#gate = new ScanGate(() => this.limit);
  }

  ask(name: string, cursors: number): Promise<string> {
    return this.#gate.pass(cursors, () => {
      this.begun.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      this.#ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
      return promise;
    });
  }

  /** Whoever may go because of it has begun when this is done. */
  async end(name: string, error?: Error): Promise<void> {
    this.#ends.get(name)!(error);
    await settled();
  }
}

/** Everything that waits for nothing from outside has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

describe("Scans", () => {
  test("go at once as long as their cursors fit together, and what does not fit waits for room", async () => {
    const scans = new Scans(10);
    const first = scans.ask("first", 4);
    void scans.ask("second", 6);
    void scans.ask("third", 1);
    await settled();
    expect(scans.begun).toEqual(["first", "second"]);
    await scans.end("first");
    expect(await first).toBe("first");
    expect(scans.begun).toEqual(["first", "second", "third"]);
  });

  test("keep their order: a small one does not overtake a large one that waits", async () => {
    const scans = new Scans(10);
    void scans.ask("running", 6);
    void scans.ask("large", 8);
    void scans.ask("small", 1);
    await settled();
    expect(scans.begun).toEqual(["running"]);
    await scans.end("running");
    expect(scans.begun).toEqual(["running", "large", "small"]);
  });

  test("that wait take their room before anybody who asks later", async () => {
    const scans = new Scans(10);
    void scans.ask("running", 10);
    void scans.ask("waiting", 10);
    await settled();
    const ending = scans.end("running");
    void scans.ask("late", 1);
    await ending;
    expect(scans.begun).toEqual(["running", "waiting"]);
    await scans.end("waiting");
    expect(scans.begun).toEqual(["running", "waiting", "late"]);
  });
});

describe("A gate for scans", () => {
  test("lets one that passes the limit alone go when nothing else is under way, and nothing beside it", async () => {
    const scans = new Scans(10);
    void scans.ask("small", 1);
    void scans.ask("huge", 100);
    void scans.ask("next", 1);
    await settled();
    expect(scans.begun).toEqual(["small"]);
    await scans.end("small");
    expect(scans.begun).toEqual(["small", "huge"]);
    await scans.end("huge");
    expect(scans.begun).toEqual(["small", "huge", "next"]);
  });

  test("tells who asked when a scan fails, and gives its room to the next", async () => {
    const scans = new Scans(1);
    const error = new Error("Storage did not answer.");
    const told = scans.ask("failing", 1).catch((failure: unknown) => failure);
    void scans.ask("next", 1);
    await scans.end("failing", error);
    expect(await told).toBe(error);
    expect(scans.begun).toEqual(["failing", "next"]);
    await scans.end("next");
    void scans.ask("last", 1);
    expect(scans.begun).toEqual(["failing", "next", "last"]);
  });

  test("asks for the limit each time, as the share of memory changes", async () => {
    const scans = new Scans(4);
    void scans.ask("first", 2);
    void scans.ask("second", 2);
    scans.limit = 2;
    void scans.ask("third", 1);
    await settled();
    await scans.end("first");
    expect(scans.begun).toEqual(["first", "second"]);
    await scans.end("second");
    expect(scans.begun).toEqual(["first", "second", "third"]);
  });
});
