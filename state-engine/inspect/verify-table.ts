/**
 * Reads a whole table and checks it against itself and against the reference that names it. Every finding
 * says where, what was expected and what was found.
 *
 * T1 The footer, the index, the filter, the properties and every block are what their checksums say.
 * T2 Size and index offset are the reference's.
 * T3 Keys ascend strictly over all blocks.
 * T4 Each block's keys lie at or below its separator and above the one before.
 * T5 Keys and deleted ranges lie within the smallest and the largest key, and the reference's bounds are these,
 *    or shortened from them where it gives a position.
 * T6 Entries, tombstones, deleted ranges, expiry and sequences are as counted and as referenced.
 * T7 The filter knows every key.
 */
import { compareKeys } from "../bytes/compare.ts";
import { decodeHex, encodeHex } from "../bytes/text.ts";
import type { Environment } from "../environment.ts";
import { StateEngineError } from "../errors.ts";
import { stateKeyHash } from "../state/state-key.ts";
import { areShortenedFrom } from "../version/key-bounds.ts";
import type { TableReference } from "../version/table-reference.ts";
import { blockEntries, inspectTable } from "./table-inspection.ts";
import type { TableInspection } from "./table-inspection.ts";

/** Findings, none for a sound table. `bytes`: from the reference's offset, as many as its size. */
export function verifyTable(
  bytes: Uint8Array,
  reference: TableReference,
  environment: Environment,
): string[] {
  const what = `table ${reference.id} (${reference.path}, offset ${reference.offset})`;
  if (bytes.length !== reference.size) {
    return [`T2 ${what}: its size is ${bytes.length}, expected ${reference.size}.`];
  }
  try {
    return new TableVerification(bytes, reference, environment, what).findings();
  } catch (error) {
    if (error instanceof StateEngineError) return [`T1 ${error.message}`];
    throw error;
  }
}

class TableVerification {
  readonly #bytes: Uint8Array;
  readonly #reference: TableReference;
  readonly #environment: Environment;
  readonly #what: string;
  readonly #table: TableInspection;
  readonly #findings: string[] = [];
  #last: Uint8Array | undefined;
  #entries = 0;
  #tombstones = 0;
  #expiring = 0;
  #earliest = Infinity;
  #latest = -Infinity;

  constructor(
    bytes: Uint8Array,
    reference: TableReference,
    environment: Environment,
    what: string,
  ) {
    this.#bytes = bytes;
    this.#reference = reference;
    this.#environment = environment;
    this.#what = what;
    this.#table = inspectTable(bytes, environment, what);
  }

  findings(): string[] {
    this.#expect(
      "T2",
      "index offset",
      this.#reference.indexOffset,
      this.#table.footer.index.offset,
    );
    for (let block = 0; block < this.#table.blocks.length; block++) this.#checkBlock(block);
    this.#checkCounts();
    return this.#findings;
  }

  #checkBlock(index: number): void {
    const { blocks, tail, properties } = this.#table;
    for (const entry of blockEntries(this.#bytes, blocks, index, this.#environment, this.#what)) {
      const { key, kind, expiresAt } = entry;
      const where = `block ${index} at offset ${blocks[index]!.offset}`;
      const shown = encodeHex(key);
      if (this.#last !== undefined && compareKeys(this.#last, key) >= 0) {
        this.#find("T3", `${where}: key ${shown} does not come after ${encodeHex(this.#last)}`);
      }
      const found = tail.blockFor(key, 0, key.length);
      if (found !== index)
        this.#find("T4", `${where}: the index leads to block ${found} for ${shown}`);
      const { smallestKey, largestKey } = properties;
      if (compareKeys(key, smallestKey) < 0 || compareKeys(key, largestKey) > 0) {
        const bounds = `${encodeHex(smallestKey)} to ${encodeHex(largestKey)}`;
        this.#find("T5", `${where}: key ${shown} is not within ${bounds}`);
      }
      if (!tail.mayContain(stateKeyHash(key, 0, key.length))) {
        this.#find("T7", `${where}: the filter denies key ${shown}`);
      }
      this.#last = key;
      this.#entries++;
      if (kind === "delete") this.#tombstones++;
      if (expiresAt === Infinity) continue;
      this.#expiring++;
      this.#earliest = Math.min(this.#earliest, expiresAt);
      this.#latest = Math.max(this.#latest, expiresAt);
    }
  }

  #checkCounts(): void {
    const reference = this.#reference;
    const { properties } = this.#table;
    const expiry =
      this.#expiring === 0 ? undefined : [this.#expiring, this.#earliest, this.#latest];
    for (const [source, said] of [
      ["reference", reference],
      ["properties", properties],
    ] as const) {
      const saidExpiry = said.expiry && [
        said.expiry.entries,
        said.expiry.earliest,
        said.expiry.latest,
      ];
      this.#expect("T6", `entries (${source})`, said.entries, this.#entries);
      this.#expect("T6", `tombstones (${source})`, said.tombstones, this.#tombstones);
      this.#expect("T6", `expiry (${source})`, String(saidExpiry), String(expiry));
    }
    const { smallestKey, largestKey, deletedRanges } = properties;
    this.#expect("T6", "deleted ranges", reference.deletedRanges ?? 0, deletedRanges.length);
    for (const name of ["smallestSequence", "largestSequence"] as const) {
      this.#expect("T6", name, reference[name], properties[name]);
    }
    this.#checkBounds();
    for (const { start, end } of deletedRanges) {
      if (compareKeys(start, smallestKey) >= 0 && compareKeys(end, largestKey) <= 0) continue;
      this.#find(
        "T5",
        `the deleted range ${encodeHex(start)} to ${encodeHex(end)} leaves its bounds`,
      );
    }
  }

  #checkBounds(): void {
    const { position, smallestKey, largestKey } = this.#reference;
    const { properties } = this.#table;
    if (position === undefined) {
      this.#expect("T5", "smallest key", smallestKey, encodeHex(properties.smallestKey));
      this.#expect("T5", "largest key", largestKey, encodeHex(properties.largestKey));
      return;
    }
    const bounds = { smallestKey: decodeHex(smallestKey), largestKey: decodeHex(largestKey) };
    if (areShortenedFrom(bounds, properties)) return;
    const exact = `${encodeHex(properties.smallestKey)} to ${encodeHex(properties.largestKey)}`;
    this.#find("T5", `the bounds ${smallestKey} to ${largestKey} are not shortened from ${exact}`);
  }

  #expect(rule: string, name: string, expected: string | number, found: string | number): void {
    if (expected !== found) this.#find(rule, `${name} is ${found}, expected ${expected}`);
  }

  #find(rule: string, text: string): void {
    this.#findings.push(`${rule} ${this.#what}: ${text}.`);
  }
}
