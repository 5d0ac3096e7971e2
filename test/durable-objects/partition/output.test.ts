import { expect, test } from "vitest";
import type { OutputInterval } from "../../../durable-objects/messages.ts";
import { PartitionOutput } from "../../../durable-objects/partition/output.ts";

function open(fails = 0) {
  const blobs = new Map<string, Uint8Array>();
  const puts: string[] = [];
  let paths = 0;
  const uploads = {
    newPath: () => `incarnation/${paths++}.ndjson`,
    put: async (path: string, bytes: Uint8Array) => {
      puts.push(path);
      if (puts.length <= fails) throw new Error("The bucket is away.");
      blobs.set(path, bytes);
    },
  };
  const output = new PartitionOutput(uploads, { offer: () => {} }, () =>
    expect.unreachable("nothing follows"),
  );
  const text = ({ data }: OutputInterval) =>
    new TextDecoder().decode("inline" in data ? data.inline : blobs.get(data.path));
  return { output, puts, text };
}

test("[rule 7] an aborted interval comes again with the next checkpoint, a completed one never", async () => {
  const { output, text } = open();
  output.append("output", { n: 1 });
  output.seal(6);
  output.append("output", { n: 2 });
  output.seal(7);
  output.append("output", { n: 3 });
  const lines = async (base: number, checkpoint: number) =>
    (await output.intervals(base, checkpoint)).map((one) => [one.checkpoint, text(one)]);
  const first = [6, '{"output":"output","value":{"n":1}}\n'];
  const second = [7, '{"output":"output","value":{"n":2}}\n'];
  expect(await lines(5, 6)).toEqual([first]);
  expect(await lines(5, 7)).toEqual([first, second]);
  expect(await lines(6, 7)).toEqual([second]);
  output.complete(7);
  expect(await lines(5, 7)).toEqual([]);
  expect(output.hasUncommitted).toBe(true);
  output.seal(8);
  output.complete(8);
  expect(output.hasUncommitted).toBe(false);
});

test("[rule 39] of a key's results only the last one is committed, also when a checkpoint was given up", async () => {
  const { output, text } = open();
  output.upsert("counts", "a", 1);
  output.upsert("counts", "b", 1);
  output.upsert("counts", "a", 2);
  output.seal(1);
  const first = await output.intervals(0, 1);
  expect(first.map(text)).toEqual([
    '{"output":"counts","key":"b","value":1}\n{"output":"counts","key":"a","value":2}\n',
  ]);
  output.upsert("counts", "a", 3);
  output.seal(2);
  const afterGivenUp = await output.intervals(0, 2);
  expect(afterGivenUp.map(text)).toEqual([
    '{"output":"counts","key":"b","value":1}\n{"output":"counts","key":"a","value":3}\n',
  ]);
  const afterCompleted = await output.intervals(1, 2);
  expect(afterCompleted.map(text)).toEqual(['{"output":"counts","key":"a","value":3}\n']);
  expect(afterCompleted.map(({ records }) => records)).toEqual([1]);
});

test("what is too large to travel inline goes into an object, at one path however often it is tried", async () => {
  const { output, puts, text } = open(1);
  output.append("output", "small");
  output.seal(1);
  output.append("output", "x".repeat(70_000));
  output.seal(2);
  await expect(output.intervals(0, 2)).rejects.toThrow("The bucket is away.");
  const [small, large] = await output.intervals(0, 2);
  expect(small!.data).toHaveProperty("inline");
  expect(large!.data).toMatchObject({ path: "incarnation/0.ndjson" });
  expect(JSON.parse(text(large!))).toEqual({ output: "output", value: "x".repeat(70_000) });
  await output.intervals(0, 2);
  expect(puts).toEqual(["incarnation/0.ndjson", "incarnation/0.ndjson"]);
});
