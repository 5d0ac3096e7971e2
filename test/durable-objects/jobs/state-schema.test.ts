/** Deploys that change the states of a job with something stored in them. */
import { afterEach, expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { field } from "../../../dataflow/codecs/record-codec.ts";
import { job } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { JobWorld } from "./job-world.ts";

const options = { parallelism: 2, maxParallelism: 16, checkpoint: { intervalMs: 2_000 } } as const;

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function open(stream: ConstructorParameters<typeof JobWorld>[0]): JobWorld {
  const world = new JobWorld(stream, { seed: 2 });
  worlds.push(world);
  return world;
}

const before = codecs.record({ lines: codecs.int64 });
const after = codecs.record({
  count: field(codecs.float64, { formerly: "lines" }),
  last: field(codecs.text, { optional: true }),
});

function firstJob() {
  return job("schemas", options)
    .lines()
    .keyBy((line) => line[0]!)
    .process("letters", {
      state: { seen: valueState("seen", before) },
      process(_line: string, { key, state }) {
        const lines = (state.seen.get()?.lines ?? 0) + 1;
        state.seen.update({ lines });
        return [`${key} ${lines}`];
      },
    })
    .output();
}

function changedJob() {
  return job("schemas", options)
    .lines()
    .keyBy((line) => line[0]!)
    .process("letters", {
      state: { letters: valueState("letters", after, { formerly: "seen" }) },
      process(line: string, { key, state }) {
        const known = state.letters.get();
        const count = (known?.count ?? 0) + 0.5;
        state.letters.update({ count, last: line });
        return [`${key} ${count} after ${known?.last ?? "nothing"}`];
      },
    })
    .output();
}
function unreadableJob() {
  return job("schemas", options)
    .lines()
    .keyBy((line) => line[0]!)
    .process("letters", {
      state: { seen: valueState("seen", codecs.text) },
      process: (_line: string, { state }) => [state.seen.get()],
    })
    .output();
}

test("a state and a field that are renamed and widened keep what is stored; new fields are absent [SC2]", async () => {
  const world = open(firstJob());
  await world.post(["apple", "avocado", "banana"]);
  await world.checkpoint();
  await world.redeploy(changedJob());
  await world.post(["apricot", "almond", "blueberry"]);
  await world.checkpoint();
  expect(await world.status()).toBe("RUNNING");
  expect(new Set(await world.values())).toEqual(
    new Set([
      "a 1",
      "a 2",
      "a 2.5 after nothing",
      "a 3 after apricot",
      "b 1",
      "b 1.5 after nothing",
    ]),
  );
});

test("state that the changed job could not read stops it before a line is read, until it is declared again [SC3]", async () => {
  const world = open(firstJob());
  await world.post(["apple"]);
  await world.checkpoint();
  await world.redeploy(unreadableJob());
  expect(await world.status()).toBe("FAILED");
  const [exception] = ((await world.exceptions()) as { exceptionHistory: { entries: object[] } })
    .exceptionHistory.entries;
  expect(exception).toMatchObject({
    exceptionName: "StateSchemaChanged",
    message: expect.stringContaining('stored of state "seen" of "letters" is a record'),
  });
  expect(await world.start({ from: "latest" })).toMatch(/which text cannot read/);
  await world.redeploy(firstJob());
  expect(await world.start({ from: "latest" })).toBeUndefined();
  await world.post(["avocado"]);
  await world.checkpoint();
  expect(await world.values()).toEqual(["a 1", "a 2"]);
});

test("an operator that is gone with its state stops the job, until it is told to leave the state behind [SC3]", async () => {
  const world = open(firstJob());
  await world.post(["apple"]);
  await world.checkpoint();
  const renamed = job("schemas", options)
    .lines()
    .keyBy((line) => line)
    .count("other")
    .output();
  await world.redeploy(renamed);
  expect(await world.status()).toBe("FAILED");
  expect(await world.start({ from: "latest" })).toMatch(/allowNonRestoredState/);
  expect(await world.start({ from: "latest", allowNonRestoredState: true })).toBeUndefined();
  expect(await world.status()).toBe("RUNNING");
});

test("the manifest after a change of the states is a full one and records them [SC1]", async () => {
  const world = open(firstJob());
  await world.post(["apple"]);
  await world.checkpoint();
  await world.redeploy(changedJob());
  await world.post(["apricot"]);
  await world.checkpoint();
  const { parent, schema } = await world.manifest();
  expect(parent).toBeNull();
  expect(schema).toEqual([
    {
      vertex: "letters",
      keyType: "string",
      states: [
        {
          name: "seen",
          kind: "value",
          codec: {
            record: [
              { name: "lines", codec: "float64", isOptional: false },
              { name: "last", codec: "text", isOptional: true },
            ],
          },
        },
      ],
    },
  ]);
});
