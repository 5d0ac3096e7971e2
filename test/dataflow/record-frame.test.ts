/** Frames of records: what they say of time. */
import { expect, it } from "vitest";
import { RecordFrameReader, RecordFrameWriter } from "../../dataflow/record-frame.ts";

it("says of event time that has ended that it is behind every timestamp, as a drained job that goes on needs", () => {
  const writer = new RecordFrameWriter();
  const record = {
    input: 0,
    line: 3,
    isBroadcast: false,
    arrivalTime: 5,
    timestamp: undefined,
    hash: 1,
    key: Uint8Array.of(7),
    keyLength: 1,
    value: Uint8Array.of(9),
  };
  for (const watermark of [-1_000, Infinity, Infinity]) writer.add({ ...record, watermark });
  const reader = new RecordFrameReader(writer.finish());
  const seen: number[] = [];
  while (reader.next()) seen.push(reader.watermark);
  expect(seen[0]).toBe(-1_000);
  expect(seen[1]).toBe(seen[2]);
  expect(seen[1]).toBeGreaterThan(Date.UTC(9_999, 11, 31));
});
