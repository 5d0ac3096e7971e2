/**
 * The lines of each key in the order in which its partition met them, whichever source they came from,
 * kept in state and passed on one by one. A replay may meet the sources in another order, so two lineages
 * of one partition show for ever. In every checkpoint each source's lines are there in the order of its
 * log, and the committed lines of a key are those of the state, in that order.
 */
import { textCodec } from "../../../dataflow/codecs/plain-codecs.ts";
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfMaps, valuesOf } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Cut, Producer, SimulatedJob } from "./simulated-job.ts";

const ORDERS = "orders";

export function arrivalOrder(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const stream = input
    .map((line) => recordOf(line))
    .keyBy(({ key }) => key)
    .process("meeting", {
      state: { order: valueState(ORDERS, textCodec) },
      process({ key, name }, { state }) {
        const before = state.order.get();
        state.order.update(before === undefined ? name : `${before} ${name}`);
        return [{ key, name }];
      },
    })
    .output(ORDERS);
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => producer(scenario, index, random),
    check: (cut) => differenceOf(cut),
  };
}

interface Numbered {
  readonly key: string;
  /** Of the line; no two have the same. */
  readonly name: string;
}

function differenceOf(cut: Cut): string | undefined {
  const found = new Map(
    [...(cut.states.get(ORDERS) ?? [])].map(([key, value]) => [key, String(JSON.parse(value))]),
  );
  const lines = cut.lines.map((log) => orderOf(log.map(recordOf)));
  for (const [source, order] of lines.entries()) {
    const own = new Set(cut.lines[source]!.map((line) => recordOf(line).name));
    const met = orderOf(namesIn(found).filter(({ name }) => own.has(name)));
    const difference = differenceOfMaps(met, order);
    if (difference !== undefined)
      return `state "${ORDERS}", lines of source ${source}: ${difference}`;
  }
  const met = namesIn(found).length;
  const names = cut.lines.flat().length;
  if (met !== names) return `state "${ORDERS}" has ${met} lines where ${names} are right`;
  const committed = valuesOf(cut, ORDERS).map((value) => JSON.parse(value) as Numbered);
  const difference = differenceOfMaps(orderOf(committed), found);
  return difference && `output "${ORDERS}": ${difference}`;
}

/** Names by key, which is JSON text, in the order given. */
function orderOf(records: readonly Numbered[]): Map<string, string> {
  const orders = new Map<string, string>();
  for (const { key, name } of records) {
    const text = JSON.stringify(key);
    const before = orders.get(text);
    orders.set(text, before === undefined ? name : `${before} ${name}`);
  }
  return orders;
}

function namesIn(orders: ReadonlyMap<string, string>): readonly Numbered[] {
  return [...orders].flatMap(([key, order]) =>
    order.split(" ").map((name) => ({ key: String(JSON.parse(key)), name })),
  );
}

function recordOf(line: string): Numbered {
  const [key, name] = line.split(" ") as [string, string];
  return { key, name };
}

function producer(scenario: Scenario, index: number, random: SeededRandom): Producer {
  let lines = 0;
  const line = (): string =>
    `key${random.integer(scenario.sharedWords)} ${index}-${lines++} ${padding(random, scenario.paddingBytes)}`;
  return { closing: [], lines: (count) => Array.from({ length: count }, line) };
}
