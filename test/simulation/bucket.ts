/**
 * A bucket of the simulated world: a BlobStore whose operations take time, fail, take effect without
 * saying so, or land long after they were given up. As R2 does, it takes one write of a key per second and
 * refuses the others with 429; and there are bad spells, in which no read succeeds however often it is repeated.
 *
 * An operation takes effect at one instant and is answered at a later one. What was under way when its
 * sender lost its memory may or may not still take effect.
 */
import type { BlobEntry, BlobStore, PutOptions } from "../../state-engine/blob-store/blob-store.ts";
import { StateEngineError } from "../../state-engine/errors.ts";
import type { DirectedStep, Director } from "./director.ts";
import type { Faults } from "./faults.ts";
import type { Instance } from "./instance.ts";
import type { Scheduler } from "./scheduler.ts";

interface StoredBlob {
  readonly bytes: Uint8Array;
  readonly writtenAt: number;
}

/** R2: one write of the same key per second. */
const LEAST_BETWEEN_WRITES_MS = 1_000;

export interface BucketObserver {
  /** A DELETE of this path takes effect, whether there is such a blob or not. */
  deleting(path: string): void;
  written(path: string, bytes: Uint8Array, before: Uint8Array | undefined): void;
}

export class SimulatedBucket {
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #blobs = new Map<string, StoredBlob>();
  readonly #director: Director | undefined;
  /** When a write of each key was last taken. */
  readonly #takenAt = new Map<string, number>();
  observer: BucketObserver | undefined;
  /** Whether an object stays in memory for what it awaits of the bucket alone. */
  holds = true;

  constructor(scheduler: Scheduler, faults: Faults, director?: Director) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#director = director;
  }

  /** Puts a blob there without anybody having asked for it. */
  place(path: string, bytes: Uint8Array): void {
    this.#blobs.set(path, { bytes, writtenAt: this.#scheduler.now() });
  }

  get paths(): readonly string[] {
    return [...this.#blobs.keys()].toSorted();
  }

  /** What is stored at this very instant, for the oracles: never fails. */
  read(path: string): Uint8Array | undefined {
    return this.#blobs.get(path)?.bytes.slice();
  }

  /** The same of a part, as far as there is one. */
  readRange(path: string, offset: number, length: number): Uint8Array | undefined {
    return this.#blobs.get(path)?.bytes.slice(offset, offset + length);
  }

  has(path: string): boolean {
    return this.#blobs.has(path);
  }

  storeFor(caller: Instance): BlobStore {
    if (this.#director !== undefined) return this.#directedStoreFor(caller, this.#director);
    return {
      get: (path) => this.#operate(caller, `GET ${path}`, () => this.read(path)),
      getRange: (path, offset, length) =>
        this.#operate(caller, `GET ${path} ${offset}+${length}`, () =>
          this.readRange(path, offset, length),
        ),
      put: (path, bytes, options) => this.#put(caller, path, bytes.slice(), options),
      list: (prefix) => this.#list(caller, prefix),
      delete: (paths) => this.#delete(caller, [...paths]),
    };
  }

  /** As a script says, and without dice. */
  #directedStoreFor(caller: Instance, director: Director): BlobStore {
    const direct = <Value>(operation: string, path: string, effect: () => Value): Promise<Value> =>
      this.#request<Value>(caller, `${operation} ${path}`, (respond) => {
        const label = `${operation} ${path}`;
        const step = { from: caller.name, to: "bucket", operation };
        const show = (
          kind: DirectedStep["kind"],
          message: unknown,
          delayMs: number,
          proceed: () => void,
        ): void => {
          const fail = (): void => respond.fail(label);
          this.#scheduler.schedule(delayMs, `${kind} ${caller.name} ${label}`, () => {
            if (!director.takes({ ...step, kind, message, proceed, fail })) proceed();
          });
        };
        show("call", path, 5, () => {
          const value = effect();
          show("answer", path, 5, () => respond.answer(value));
        });
      });
    return {
      get: (path) => direct("GET", path, () => this.read(path)),
      getRange: (path, offset, length) =>
        direct("GET", path, () => this.read(path)?.slice(offset, offset + length)),
      put: (path, bytes, options) => {
        const own = bytes.slice();
        return direct("PUT", path, () => this.#write(path, own, options?.ifAbsent === true));
      },
      list: (prefix) => direct("LIST", prefix, () => this.#entries(prefix)),
      delete: (paths) =>
        direct("DELETE", paths.join(" "), () => paths.forEach((path) => this.#remove(path))),
    };
  }

  #operate<Value>(caller: Instance, label: string, effect: () => Value): Promise<Value> {
    return this.#request(caller, label, (respond) => {
      if (this.#failsToRead()) return this.#refuse(label, respond);
      if (this.#faults.happens("blobThrottled")) return this.#refuse(`429 ${label}`, respond);
      this.#later(label, () => {
        const value = effect();
        this.#later(`answer ${label}`, () => respond.answer(value));
      });
    });
  }

  #put(
    caller: Instance,
    path: string,
    bytes: Uint8Array,
    options?: PutOptions,
  ): Promise<PutAnswer> {
    const label = `PUT ${path} (${bytes.length} bytes)`;
    const effect = (): PutAnswer => this.#write(path, bytes, options?.ifAbsent === true);
    return this.#request<PutAnswer>(caller, label, (respond) => {
      const fate = this.#faults.putFate();
      if (fate === "throttled") return this.#refuse(`429 ${label}`, respond);
      if (fate === "failed" || fate === "delayed") {
        this.#later(`${fate} ${label}`, () => respond.fail(label));
        if (fate === "delayed") {
          const delayMs = this.#faults.choices.between(100, 120_000);
          this.#scheduler.schedule(delayMs, `late ${label} lands`, () => {
            if (this.#takesWriteOf(path)) effect();
          });
        }
        return;
      }
      this.#later(label, () => {
        if (!caller.hasMemory && this.#faults.choices.chance(0.3)) return;
        if (!this.#takesWriteOf(path)) {
          return this.#refuse(
            `429 ${label}: the second write of this key within a second`,
            respond,
          );
        }
        const answer = effect();
        this.#later(`answer ${label}: ${fate} ${answer}`, () =>
          fate === "indeterminate" ? respond.fail(label) : respond.answer(answer),
        );
      });
    });
  }

  #delete(caller: Instance, paths: readonly string[]): Promise<void> {
    const label = `DELETE ${paths.join(" ")}`;
    return this.#request<void>(caller, label, (respond) => {
      if (this.#faults.happens("blobFailure")) return this.#refuse(label, respond);
      if (this.#faults.happens("blobThrottled")) return this.#refuse(`429 ${label}`, respond);
      const half = this.#faults.happens("blobIndeterminate");
      this.#later(label, () => {
        for (const path of paths) {
          if (!half || this.#faults.choices.chance(0.5)) this.#remove(path);
        }
        this.#later(`answer ${label}`, () =>
          half ? respond.fail(label) : respond.answer(undefined),
        );
      });
    });
  }

  /** Two pages, read at two instants: what is written between them beyond the first is seen. */
  #list(caller: Instance, prefix: string): Promise<readonly BlobEntry[]> {
    const label = `LIST ${prefix}`;
    return this.#request(caller, label, (respond) => {
      if (this.#failsToRead()) return this.#refuse(label, respond);
      if (this.#faults.happens("blobThrottled")) return this.#refuse(`429 ${label}`, respond);
      this.#later(label, () => {
        const all = this.#entries(prefix);
        const first = all.slice(0, Math.ceil(all.length / 2));
        const last = first.at(-1)?.path ?? "";
        this.#later(`${label}, next page`, () => {
          const rest = this.#entries(prefix).filter((entry) => entry.path > last);
          this.#later(`answer ${label}`, () => respond.answer([...first, ...rest]));
        });
      });
    });
  }

  #request<Value>(
    caller: Instance,
    label: string,
    begin: (respond: Respond<Value>) => void,
  ): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const { holds } = this;
    if (!caller.beginOutgoing(label, holds)) return promise;
    let isOver = false;
    const end = (answer: () => void): void => {
      if (!isOver) caller.endOutgoing(answer, holds);
      isOver = true;
    };
    begin({
      answer: (value) => end(() => resolve(value)),
      fail: (what) => end(() => reject(unavailable(what))),
    });
    return promise;
  }

  #failsToRead(): boolean {
    return this.#faults.isBadSpell(this.#scheduler.now()) || this.#faults.happens("blobFailure");
  }

  /** A write that finds the key taken counts, too: R2 had to look. */
  #takesWriteOf(path: string): boolean {
    const now = this.#scheduler.now();
    if (now - (this.#takenAt.get(path) ?? -Infinity) < LEAST_BETWEEN_WRITES_MS) return false;
    this.#takenAt.set(path, now);
    return true;
  }

  #refuse(label: string, respond: Pick<Respond<never>, "fail">): void {
    this.#later(label, () => respond.fail(label));
  }

  #later(label: string, run: () => void): void {
    this.#scheduler.schedule(this.#faults.blobLatency(), label, run);
  }

  #write(path: string, bytes: Uint8Array, ifAbsent: boolean): PutAnswer {
    if (ifAbsent && this.#blobs.has(path)) return "exists";
    const before = this.#blobs.get(path)?.bytes;
    this.#blobs.set(path, { bytes, writtenAt: this.#scheduler.now() });
    this.observer?.written(path, bytes, before);
    return "written";
  }

  #remove(path: string): void {
    this.observer?.deleting(path);
    this.#blobs.delete(path);
  }

  #entries(prefix: string): BlobEntry[] {
    return this.paths
      .filter((path) => path.startsWith(prefix))
      .map((path) => {
        const blob = this.#blobs.get(path)!;
        return { path, size: blob.bytes.length, writtenAt: blob.writtenAt };
      });
  }
}

type PutAnswer = "written" | "exists";

interface Respond<Value> {
  answer(value: Value): void;
  fail(what: string): void;
}

function unavailable(what: string): Error {
  return new StateEngineError("unavailable", `The simulated bucket failed: ${what}.`);
}
