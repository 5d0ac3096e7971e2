/** What is no value is refused by every kind of keyed state, whatever its codec could store. */
import { expect, test } from "vitest";
import type { Codec } from "../../../dataflow/codecs/codec.ts";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { broadcastProcessOperator } from "../../../dataflow/operators/broadcast-process-operator.ts";
import { processOperator } from "../../../dataflow/operators/process-operator.ts";
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
} from "../../../dataflow/state/state-descriptor.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";

type Value = string | null;

const nothing = undefined as unknown as Value;
/** Stores undefined as no bytes. */
const tolerant: Codec<Value> = {
  name: "tolerant",
  encode: (value) => codecs.text.encode(value ?? ""),
  decode: (bytes) => (bytes.length === 0 ? nothing : codecs.text.decode(bytes)),
};

function write(given: Value, how: keyof typeof writes, codec: Codec<Value>): Promise<void> {
  const operator = processOperator({
    state: {
      last: valueState("last", codec),
      pages: listState("pages", codec),
      seen: mapState("seen", "string", codec),
      longest: reducingState("longest", (a: Value) => a, codec),
    },
    process(_line: string, { state }) {
      writes[how](state, given);
    },
  });
  return openHarness(operator, { keys: [(line: string) => line] }).process("a");
}

interface States {
  readonly last: { update(value: Value): void };
  readonly pages: {
    add(value: Value): void;
    addAll(values: Value[]): void;
    update(values: Value[]): void;
  };
  readonly seen: {
    put(key: string, value: Value): void;
    putAll(entries: [string, Value][]): void;
  };
  readonly longest: { add(value: Value): void };
}

const writes = {
  "update of a value": ({ last }: States, value: Value) => last.update(value),
  "add to a list": ({ pages }: States, value: Value) => pages.add(value),
  "addAll to a list": ({ pages }: States, value: Value) => pages.addAll(["a", value]),
  "update of a list": ({ pages }: States, value: Value) => pages.update([value]),
  "put into a map": ({ seen }: States, value: Value) => seen.put("a", value),
  "putAll into a map": ({ seen }: States, value: Value) => seen.putAll([["a", value]]),
  "the first add to a reducing state": ({ longest }: States, value: Value) => longest.add(value),
} as const;

const refusals = {
  "update of a value": ['Value state "last"', "call clear()"],
  "add to a list": ['List state "pages"', "leave the element out"],
  "addAll to a list": ['List state "pages"', "leave the element out"],
  "update of a list": ['List state "pages"', "leave the element out"],
  "put into a map": ['Map state "seen"', "call remove(key)"],
  "putAll into a map": ['Map state "seen"', "call remove(key)"],
  "the first add to a reducing state": ['Reducing state "longest"', "add nothing, or call clear()"],
} as const;

const all = [codecs.structured<Value>(), codecs.json<Value>(), tolerant].flatMap((codec) =>
  (Object.keys(writes) as (keyof typeof writes)[]).map((how) => ({ how, codec, name: codec.name })),
);

test.each(all)("[DL1] $how refuses undefined with codec $name, and takes null", async (one) => {
  const { how, codec } = one;
  const [state, instead] = refusals[how];
  await expect(write(nothing, how, codec)).rejects.toThrow(
    `${state} was given undefined, which is what it answers where it holds nothing. ` +
      `Then ${instead}; null is a value.`,
  );
  const promise = Promise.resolve("late") as unknown as Value;
  await expect(write(promise, how, codec)).rejects.toThrow(`${state} was given a promise.`);
  await expect(write(null, how, codec)).resolves.toBeUndefined();
});

test.each(["longest", "joined"] as const)(
  "[DL1] what the function of %s answers is no value when it is undefined",
  async (name) => {
    const operator = processOperator({
      state: {
        longest: reducingState("longest", (a: Value, b: Value) => (b === "bad" ? nothing : a)),
        joined: aggregatingState("joined", {
          createAccumulator: (): Value => "",
          add: (joined: Value, next: Value) => (next === "bad" ? nothing : joined),
          getResult: (joined: Value) => joined,
        }),
      },
      process(line: string, { state }) {
        state[name].add(line);
      },
    });
    const harness = openHarness(operator, { keys: [() => "a"] });
    await harness.process("good");
    const who = name === "longest" ? "The function of reducing" : "add of aggregating";
    await expect(harness.process("bad")).rejects.toThrow(
      `${who} state "${name}" answered undefined. Answer a value; null is one.`,
    );
  },
);

test("[DL1] put into broadcast state refuses undefined", async () => {
  const operator = broadcastProcessOperator({
    broadcast: { prices: mapState("prices", "string", codecs.structured<Value>()) },
    process: (_line: string) => undefined,
    processBroadcast(_rule: string, { broadcast }) {
      broadcast.prices.put("a", nothing);
    },
  });
  const harness = openHarness(operator, { keys: [(line: string) => line, undefined] });
  await expect(harness.processInput(1, "rule")).rejects.toThrow(
    'Map state "prices" was given undefined, which is what it answers where it holds nothing. ' +
      "Then call remove(key); null is a value.",
  );
});
