/** MapState with one entry per map key, as sub-keys in order. */
import { prefixEnd, stateSubKey } from "../../state-engine/index.ts";
import { keyCodecs, type KeyCodec, type KeyType } from "../../state-engine/state/key-codec.ts";
import { checkStored } from "../checked-answer.ts";
import type { Codec } from "../codecs/codec.ts";
import { Expiry } from "./expiry.ts";
import type { InternalState, MapState } from "./keyed-state.ts";
import type { StateEntry } from "./keyed-state-store.ts";
import type { SingleValueOptions } from "./single-value.ts";
import { StateAddress, type StateAccess } from "./state-access.ts";

export class StoredMapState<K extends string | number, V> implements MapState<K, V>, InternalState {
  readonly #access: StateAccess;
  readonly #address: StateAddress;
  readonly #keys: KeyCodec;
  readonly #codec: Codec<V>;
  readonly #expiry: Expiry;
  readonly #who: string;

  constructor(options: SingleValueOptions<V> & { readonly keyType: KeyType }) {
    const { name, access, stateId, codec, ttl, keyType } = options;
    this.#access = access;
    this.#address = new StateAddress(access, stateId);
    this.#keys = keyCodecs[keyType];
    this.#codec = codec;
    this.#expiry = new Expiry(access, stateId, ttl);
    this.#who = `Map state "${name}"`;
  }

  get(key: K): V | undefined {
    const stateKey = this.#stateKeyOf(key);
    const stored = this.#access.overlay.get(stateKey);
    return stored === undefined ? undefined : this.#readEntry(stateKey, stored);
  }

  put(key: K, value: V): void {
    const stored = checkStored(value, this.#who, "call remove(key)");
    this.#write(this.#stateKeyOf(key), this.#codec.encode(stored));
  }

  putAll(entries: Iterable<readonly [K, V]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  remove(key: K): void {
    this.#access.overlay.delete(this.#stateKeyOf(key));
  }

  contains(key: K): boolean {
    const stored = this.#access.overlay.get(this.#stateKeyOf(key));
    return stored !== undefined && this.#expiry.unwrap(stored) !== undefined;
  }

  isEmpty(): boolean {
    return !this.#scan().some(({ value }) => this.#expiry.unwrap(value) !== undefined);
  }

  entries(): [K, V][] {
    return this.#decode(this.#scan());
  }

  entriesBetween(first: K, last: K): [K, V][] {
    const { overlay } = this.#access;
    return this.#decode(overlay.scan(this.#stateKeyOf(first), after(this.#stateKeyOf(last))));
  }

  keys(): K[] {
    return this.entries().map(([key]) => key);
  }

  values(): V[] {
    return this.entries().map(([, value]) => value);
  }

  clear(): void {
    for (const { key } of this.#scan()) this.#access.overlay.delete(key);
  }

  removeExpired(): void {
    for (const { key, value } of this.#scan()) {
      if (this.#expiry.unwrap(value) === undefined) this.#access.overlay.delete(key);
    }
  }

  #scan(): readonly StateEntry[] {
    const prefix = this.#address.prefix();
    return this.#access.overlay.scan(prefix, prefixEnd(prefix));
  }

  #decode(stored: readonly StateEntry[]): [K, V][] {
    const prefixLength = this.#address.prefix().length;
    const entries: [K, V][] = [];
    for (const { key, value } of stored) {
      const decoded = this.#readEntry(key, value);
      // The codec "structured" answers undefined for entries of versions that stored it.
      if (decoded !== undefined || this.#expiry.unwrap(value) !== undefined) {
        entries.push([this.#keys.read(key.subarray(prefixLength)) as K, decoded as V]);
      }
    }
    return entries;
  }

  #readEntry(stateKey: Uint8Array, stored: Uint8Array): V | undefined {
    const bytes = this.#expiry.unwrap(stored);
    if (bytes === undefined) return undefined;
    const value = this.#codec.decode(bytes);
    if (this.#expiry.renewsOnRead) this.#write(stateKey, bytes.slice());
    return value;
  }

  #write(stateKey: Uint8Array, bytes: Uint8Array): void {
    const deadline = this.#expiry.deadline();
    const wrapped = this.#expiry.wrap(bytes, deadline);
    this.#access.overlay.put(stateKey, wrapped, this.#expiry.storeDeadline(deadline));
  }

  #stateKeyOf(key: K): Uint8Array {
    const prefix = this.#address.prefix();
    const bytes = new Uint8Array(this.#keys.maxSize(key));
    const length = this.#keys.write(key, bytes, 0);
    return stateSubKey(prefix, bytes.subarray(0, length));
  }
}

/** The smallest key above `key`. */
function after(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(key.length + 1);
  bytes.set(key);
  return bytes;
}
