/**
 * One value per key (and namespace), with its codec and TTL: what value, reducing and aggregating
 * state have in common.
 */
import type { Codec } from "../codecs/codec.ts";
import { Expiry } from "./expiry.ts";
import { StateAddress, type StateAccess } from "./state-access.ts";
import type { StateTtl } from "./state-descriptor.ts";

/** Of a handle of any kind. */
export interface SingleValueOptions<T> {
  /** Of the state, for errors. */
  readonly name: string;
  readonly access: StateAccess;
  readonly stateId: number;
  readonly codec: Codec<T>;
  readonly ttl?: StateTtl | undefined;
}

export class SingleValue<T> {
  readonly #access: StateAccess;
  readonly #address: StateAddress;
  readonly #codec: Codec<T>;
  readonly #expiry: Expiry;

  constructor({ access, stateId, codec, ttl }: SingleValueOptions<T>) {
    this.#access = access;
    this.#address = new StateAddress(access, stateId);
    this.#codec = codec;
    this.#expiry = new Expiry(access, stateId, ttl);
  }

  read(): T | undefined {
    const key = this.#address.single();
    const stored = this.#access.overlay.get(key);
    if (stored === undefined) return undefined;
    const bytes = this.#expiry.unwrap(stored);
    if (bytes === undefined) {
      this.#access.overlay.delete(key);
      return undefined;
    }
    const value = this.#codec.decode(bytes);
    if (this.#expiry.renewsOnRead) this.#writeBytes(bytes.slice());
    return value;
  }

  write(value: T): void {
    this.#writeBytes(this.#codec.encode(value));
  }

  clear(): void {
    this.#access.overlay.delete(this.#address.single());
  }

  removeExpired(): void {
    const key = this.#address.single();
    const stored = this.#access.overlay.get(key);
    if (stored !== undefined && this.#expiry.unwrap(stored) === undefined) {
      this.#access.overlay.delete(key);
    }
  }

  #writeBytes(bytes: Uint8Array): void {
    const deadline = this.#expiry.deadline();
    const wrapped = this.#expiry.wrap(bytes, deadline);
    this.#access.overlay.put(this.#address.single(), wrapped, this.#expiry.storeDeadline(deadline));
  }
}
