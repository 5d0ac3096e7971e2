/**
 * What state handles share: the overlay they read and write, whose key it is at the moment, the
 * namespace (a window) within it, and the times. The runner moves it from record to record.
 *
 * State keys: a state with one value per key has the plain key; maps and everything in a namespace
 * have the escaped key, then the namespace (always of one length within a state), then the map key.
 */
import { stateKey, stateKeyPrefix, stateSubKey } from "../../state-engine/index.ts";
import type { StateOverlay } from "./state-overlay.ts";

const noBytes = new Uint8Array(0);

/** Registers the removal of what expires in event time: called with the state's id and the time. */
export type ScheduleExpiry = (stateId: number, at: number) => void;

export class StateAccess {
  readonly overlay: StateOverlay;
  readonly scheduleExpiry: ScheduleExpiry;
  #keyGroup = 0;
  #key: Uint8Array = noBytes;
  #namespace: Uint8Array = noBytes;
  /** Changes whenever key or namespace does, so that handles may keep the state key they built. */
  version = 0;
  /** Changes whenever the key does. */
  keyVersion = 0;
  /** Of the record or timer at hand; undefined when it has none. */
  timestamp: number | undefined = undefined;
  #watermark = -Infinity;
  #expiryTime = -Infinity;
  /** The partition's time [15]; -Infinity before the first record. */
  processingTime = -Infinity;

  constructor(overlay: StateOverlay, scheduleExpiry: ScheduleExpiry) {
    this.overlay = overlay;
    this.scheduleExpiry = scheduleExpiry;
  }

  get watermark(): number {
    return this.#watermark;
  }

  set watermark(watermark: number) {
    this.#watermark = watermark;
    if (watermark !== Infinity) this.#expiryTime = watermark;
  }

  /** The event time by which state expires: the end of the input ends windows, but ages nothing. */
  get expiryTime(): number {
    return this.#expiryTime;
  }

  get keyGroup(): number {
    return this.#keyGroup;
  }

  get key(): Uint8Array {
    return this.#key;
  }

  get namespace(): Uint8Array {
    return this.#namespace;
  }

  /** Also leaves the namespace. The bytes must not change while they are the key. */
  setKey(keyGroup: number, key: Uint8Array): void {
    this.#keyGroup = keyGroup;
    this.#key = key;
    this.#namespace = noBytes;
    this.version++;
    this.keyVersion++;
  }

  setNamespace(namespace: Uint8Array): void {
    this.#namespace = namespace;
    this.version++;
  }
}

/** Builds the state keys of one state, once per key and namespace. */
export class StateAddress {
  readonly #access: StateAccess;
  readonly #stateId: number;
  #single: Uint8Array = noBytes;
  #singleVersion = -1;
  #prefix: Uint8Array = noBytes;
  #prefixVersion = -1;

  constructor(access: StateAccess, stateId: number) {
    this.#access = access;
    this.#stateId = stateId;
  }

  /** Where the only value is. */
  single(): Uint8Array {
    const access = this.#access;
    if (this.#singleVersion !== access.version) {
      this.#singleVersion = access.version;
      this.#single =
        access.namespace.length === 0
          ? stateKey(access.keyGroup, this.#stateId, access.key)
          : this.prefix();
    }
    return this.#single;
  }

  /** What all entries of a map begin with. */
  prefix(): Uint8Array {
    const access = this.#access;
    if (this.#prefixVersion !== access.version) {
      this.#prefixVersion = access.version;
      const prefix = stateKeyPrefix(access.keyGroup, this.#stateId, access.key);
      this.#prefix = access.namespace.length === 0 ? prefix : stateSubKey(prefix, access.namespace);
    }
    return this.#prefix;
  }
}
