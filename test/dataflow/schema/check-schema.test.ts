import { describe, expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { field } from "../../../dataflow/codecs/record-codec.ts";
import { job, jobGraphOf } from "../../../dataflow/job.ts";
import { mergedSchema, schemaProblems } from "../../../dataflow/schema/check-schema.ts";
import { jobSchemaOf } from "../../../dataflow/schema/job-schema.ts";
import {
  listState,
  mapState,
  valueState,
  type StateDescriptor,
} from "../../../dataflow/state/state-descriptor.ts";

/** A job whose one operator keeps these states. */
function schemaOf(...states: readonly StateDescriptor[]) {
  const stream = job("schemas")
    .lines()
    .keyBy((line) => line)
    .process("operator", {
      state: Object.fromEntries(states.map((state) => [state.name, state])),
      process: (line: string) => [line],
    })
    .output();
  return jobSchemaOf(jobGraphOf(stream));
}

function problemsOf(before: StateDescriptor, now: StateDescriptor): readonly string[] {
  return schemaProblems(schemaOf(before), schemaOf(now));
}

const { float64, int64, json, record, structured, text } = codecs;
const ttl = { ttlMs: 1_000 };

describe("a changed job reads what is stored", () => {
  test.each<[string, StateDescriptor, StateDescriptor]>([
    ["the same state", valueState("a", int64), valueState("a", int64)],
    ["another state beside it", valueState("a"), valueState("b")],
    ["a renamed state", valueState("a", int64), valueState("b", int64, { formerly: "a" })],
    ["int64 as float64", valueState("a", int64), valueState("a", float64)],
    ["json as structured", mapState("a", "string", json()), mapState("a", "string", structured())],
    ["a TTL in processing time", valueState("a", text), valueState("a", text, { ttl })],
    [
      "a new optional field",
      valueState("a", record({ x: int64 })),
      valueState("a", record({ x: int64, y: field(text, { optional: true }) })),
    ],
    [
      "a new field with a default",
      valueState("a", record({ x: int64 })),
      valueState("a", record({ x: int64, y: field(text, { default: "" }) })),
    ],
    [
      "a renamed and widened field, another one gone",
      valueState("a", record({ x: int64, z: text })),
      valueState("a", record({ y: field(float64, { formerly: "x" }) })),
    ],
  ])("%s", (_name, before, now) => {
    expect(problemsOf(before, now)).toEqual([]);
  });
});

describe("a changed job that could not read what is stored is refused, with what to do", () => {
  test.each<[string, StateDescriptor, StateDescriptor, RegExp]>([
    ["another kind", valueState("a"), listState("a"), /stored as value state.*declares list state/],
    ["another codec", valueState("a", text), valueState("a", int64), /is text, which int64 cannot/],
    [
      "a narrower codec",
      valueState("a", float64),
      valueState("a", int64),
      /which int64 cannot read/,
    ],
    [
      "another kind of map key",
      mapState("a", "string", text),
      mapState("a", "integer", text),
      /a map by string/,
    ],
    [
      "a TTL in event time",
      valueState("a", text),
      valueState("a", text, { ttl: { ttlMs: 1, time: "event" } }),
      /values without a TTL.*with a TTL in event time/,
    ],
    [
      "a TTL of a list",
      listState("a", text),
      listState("a", text, { ttl }),
      /values without a TTL/,
    ],
    [
      "a new field that must be there",
      valueState("a", record({ x: int64 })),
      valueState("a", record({ x: int64, y: text })),
      /field "y" of state "a" of "operator" is new.*optional: true/,
    ],
    [
      "a field that may be absent and now must be there",
      valueState("a", record({ x: field(int64, { optional: true }) })),
      valueState("a", record({ x: int64 })),
      /field "x".*may be absent/,
    ],
    [
      "a field of another type",
      valueState("a", record({ x: text })),
      valueState("a", record({ x: int64 })),
      /the field "x" of state "a" of "operator" is text, which int64 cannot read/,
    ],
    [
      "a record where something else was",
      valueState("a", structured()),
      valueState("a", record({ x: text })),
      /is structured, which a record cannot read/,
    ],
  ])("%s", (_name, before, now, message) => {
    const problems = problemsOf(before, now);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });
});

test("another type of key is refused", () => {
  const lines = job("keys").lines();
  const before = jobSchemaOf(jobGraphOf(lines.keyBy((line) => line).count("counts")));
  const after = jobSchemaOf(
    jobGraphOf(
      job("keys")
        .lines()
        .keyBy((line) => line.length, "integer")
        .count("counts"),
    ),
  );
  expect(schemaProblems(before, after)[0]).toMatch(/keys of "counts" are stored as string/);
});

test("a state nobody declares any more is still checked when it comes back", () => {
  const before = schemaOf(valueState("a", text));
  const without = mergedSchema(before, schemaOf(valueState("b", text)));
  expect(schemaProblems(without, schemaOf(valueState("a", int64)))).toHaveLength(1);
});

test("a count is stored alike whether or not its updates are followed", () => {
  const counting = (followed: boolean) => {
    const counts = job("counts")
      .lines()
      .keyBy((line) => line)
      .count("counts");
    return jobSchemaOf(jobGraphOf(followed ? counts.output() : counts));
  };
  expect(schemaProblems(counting(false), counting(true))).toEqual([]);
  expect(schemaProblems(counting(true), counting(false))).toEqual([]);
});
