/**
 * ListState over one entry: elements one after the other, each as length and bytes, with a TTL behind
 * eight bytes of deadline. Elements expire one by one.
 */
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import { checkStored } from "../checked-answer.ts";
import type { Codec } from "../codecs/codec.ts";
import { TIMESTAMP_BYTES, encodeTimestamp } from "../time/timestamp.ts";
import { Expiry } from "./expiry.ts";
import type { InternalState, ListState } from "./keyed-state.ts";
import { listElements } from "./list-elements.ts";
import type { SingleValueOptions } from "./single-value.ts";
import { StateAddress, type StateAccess } from "./state-access.ts";

export class StoredListState<T> implements ListState<T>, InternalState {
  readonly #access: StateAccess;
  readonly #address: StateAddress;
  readonly #codec: Codec<T>;
  readonly #expiry: Expiry;
  readonly #who: string;

  constructor({ name, access, stateId, codec, ttl }: SingleValueOptions<T>) {
    this.#access = access;
    this.#address = new StateAddress(access, stateId);
    this.#codec = codec;
    this.#expiry = new Expiry(access, stateId, ttl);
    this.#who = `List state "${name}"`;
  }

  get(): T[] {
    const values = this.#readAlive();
    if (this.#expiry.renewsOnRead && values.length > 0) this.update(values);
    return values;
  }

  add(value: T): void {
    this.addAll([value]);
  }

  addAll(values: Iterable<T>): void {
    const deadline = this.#expiry.deadline();
    const operand = this.#encode(values, deadline);
    if (operand.length === 0) return;
    const { overlay } = this.#access;
    overlay.merge(this.#address.single(), operand, this.#expiry.storeDeadline(deadline));
    this.#expiry.scheduleRemoval(deadline);
  }

  update(values: Iterable<T>): void {
    const deadline = this.#expiry.deadline();
    const bytes = this.#encode(values, deadline);
    if (bytes.length === 0) return this.clear();
    const { overlay } = this.#access;
    overlay.put(this.#address.single(), bytes, this.#expiry.storeDeadline(deadline));
    this.#expiry.scheduleRemoval(deadline);
  }

  clear(): void {
    this.#access.overlay.delete(this.#address.single());
  }

  removeExpired(): void {
    const key = this.#address.single();
    const stored = this.#access.overlay.get(key);
    if (stored === undefined) return;
    const kept = new ByteWriter(stored.length);
    this.#forEachAlive(stored, (_element, whole) => kept.raw(whole, 0, whole.length));
    if (kept.length === 0) this.#access.overlay.delete(key);
    else if (kept.length < stored.length) this.#access.overlay.put(key, kept.finish());
  }

  #readAlive(): T[] {
    const stored = this.#access.overlay.get(this.#address.single());
    const values: T[] = [];
    if (stored !== undefined) {
      this.#forEachAlive(stored, (element) => values.push(this.#codec.decode(element)));
    }
    return values;
  }

  #forEachAlive(stored: Uint8Array, visit: (element: Uint8Array, whole: Uint8Array) => void): void {
    const { exists } = this.#expiry;
    for (const { begin, end, deadline, bytes } of listElements(stored, exists)) {
      if (exists && this.#expiry.isExpired(deadline)) continue;
      visit(bytes, stored.subarray(begin, end));
    }
  }

  #encode(values: Iterable<T>, deadline: number): Uint8Array {
    const writer = new ByteWriter(64);
    const header = this.#expiry.exists ? encodeTimestamp(deadline) : undefined;
    for (const value of values) {
      if (header !== undefined) writer.raw(header, 0, TIMESTAMP_BYTES);
      const element = checkStored(value, this.#who, "leave the element out");
      writer.slice(this.#codec.encode(element));
    }
    return writer.finish();
  }
}
