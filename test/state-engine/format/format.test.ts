/** FORMAT.md says enough: golden files mean the same to a reader that was written from it and shares no code with the engine. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { stateIdsOf } from "../../../dataflow/state-ids.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { KeyedVertex } from "../../../dataflow/job-graph.ts";
import { timerKey } from "../../../dataflow/time/timer-key.ts";
import { encodeTimestamp } from "../../../dataflow/time/timestamp.ts";
import { encodeWindow, globalWindow } from "../../../dataflow/windows/window.ts";
import { keyCodecs } from "../../../state-engine/state/key-codec.ts";
import { COUNT_STATE } from "../engine-fixture.ts";
import { FIXTURES, NARROWED_FIXTURES } from "../golden/golden-files.ts";
import type { GoldenCheckpoint } from "../golden/golden-files.ts";
import { readCheckpoint } from "./checkpoint-reader.ts";
import { hashOf } from "./table-reader.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe.for([FIXTURES, NARROWED_FIXTURES])("A reader written from FORMAT.md, on %s", (folder) => {
  const lines = readFileSync(join(folder, "contents.ndjson"), "utf8").trimEnd().split("\n");

  test.for(lines.map((line) => JSON.parse(line) as GoldenCheckpoint))(
    "finds in checkpoint $id what the engine wrote into it",
    ({ path, partitions }) => {
      const read = readCheckpoint(folder, path, new Set([COUNT_STATE]));
      expect(read.map(({ index, time, entries }) => ({ index, time, entries }))).toEqual(
        partitions,
      );
    },
  );
});

test("Golden files show that reader a filter, deleted ranges, expiry, and every kind of entry", () => {
  const path = "golden/0123456789abcdef/chk-2/manifest.json";
  const tables = readCheckpoint(FIXTURES, path, new Set([COUNT_STATE])).flatMap(
    (part) => part.tables,
  );
  const kinds = new Set(tables.flatMap(({ entries }) => entries.map(({ kind }) => kind)));
  expect([...kinds].sort()).toEqual(["delete", "merge", "put"]);
  expect(tables.some(({ deletedRanges }) => deletedRanges.length > 0)).toBe(true);
  expect(tables.some(({ expiry }) => expiry !== undefined)).toBe(true);
  expect(tables.some(({ hasFilter }) => hasFilter)).toBe(true);
});

describe("Keys and values are drawn as FORMAT.md says", () => {
  test("points in time and windows", () => {
    expect(hex(encodeTimestamp(-1))).toBe("7fffffffffffffff");
    expect(hex(encodeTimestamp(258))).toBe("8000000000000102");
    expect(hex(encodeTimestamp(-Infinity))).toBe("0000000000000000");
    expect(hex(encodeTimestamp(Infinity))).toBe("ffffffffffffffff");
    expect(hex(encodeWindow({ start: 1, end: 2 }))).toBe("80000000000000018000000000000002");
    expect(hex(encodeWindow(globalWindow))).toBe(`${"00".repeat(8)}${"ff".repeat(8)}`);
  });

  test("integer keys, and timers of each kind", () => {
    const key = new Uint8Array(8);
    keyCodecs.integer.write(-(2 ** 40), key, 0);
    expect(hex(key)).toBe("7fffff0000000000");
    const timer = {
      keyGroup: 3,
      key: Uint8Array.of(0x61, 0, 0x62),
      timestamp: 7,
      namespace: Uint8Array.of(9),
    };
    for (const [domain, id] of [
      ["expiry", "fffd"],
      ["event", "fffe"],
      ["processing", "ffff"],
    ] as const) {
      expect(hex(timerKey(domain, timer))).toBe(`0003${id}80000000000000076100ff62000109`);
    }
  });

  test("the id of a state, from its name alone", () => {
    const states = [valueState("total"), valueState("now", codecs.text, { formerly: "before" })];
    const operator = { kind: "operator", definition: { kind: "process", states } };
    const ids = stateIdsOf({ operator } as unknown as KeyedVertex);
    const idOf = (name: string): number => 16 + (hashOf(Buffer.from(`----${name}`)) % 65_504);
    expect([...ids]).toEqual([
      ["total", idOf("total")],
      ["now", idOf("before")],
    ]);
  });

  test("values of each codec", () => {
    expect(hex(codecs.text.encode("é"))).toBe("c3a9");
    expect(hex(codecs.int64.encode(-129))).toBe("ff7f");
    expect(hex(codecs.float64.encode(1.5))).toBe("3ff8000000000000");
    expect(codecs.float64.decode(Uint8Array.of(0xff, 0x7f))).toBe(-129);
    expect(hex(codecs.json<unknown>().encode({ a: [1] }))).toBe(hex(Buffer.from('{"a":[1]}')));
    const record = codecs.record({ total: codecs.int64 });
    const number = hashOf(Buffer.from("----total")) & 0xffff;
    const varint = [(number & 0x7f) | 0x80, ((number >> 7) & 0x7f) | 0x80, number >> 14];
    expect([...record.encode({ total: 5 })]).toEqual([...varint, 1, 5]);
  });
});
