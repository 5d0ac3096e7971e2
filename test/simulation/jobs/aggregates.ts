/** Sums, smallest and largest values, the best three and the first records of each user, side by side. */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfLists, differenceOfUpdates, valuesOf } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Cut, Producer, SimulatedJob } from "./simulated-job.ts";

const BEST = 3;

interface Order {
  readonly user: string;
  readonly amount: number;
}

export function aggregates(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const orders = input.map((line) => orderOf(line)).keyBy(({ user }) => user);
  const amount = (order: Order): number => order.amount;
  orders.sum("sums", amount).output("sums");
  orders.min("smallest", amount).output("smallest");
  orders.max("largest", amount).output("largest");
  orders
    .topN("best", { n: BEST, rankBy: amount })
    .mapValue((best) => best.map(amount))
    .output("best");
  const stream = orders
    .deduplicate("first")
    .map(({ user }) => user)
    .output("first");
  return {
    graph: jobGraphOf(stream),
    producer: (_index, random) => producer(scenario, random),
    check: (cut) => differenceOf(cut),
  };
}

function differenceOf(cut: Cut): string | undefined {
  const amounts = new Map<string, number[]>();
  for (const { user, amount } of cut.lines.flat().map(orderOf)) {
    const own = amounts.get(user) ?? [];
    own.push(amount);
    amounts.set(user, own);
  }
  const perUser = <Value>(fold: (own: readonly number[]) => Value): Map<string, Value> =>
    new Map([...amounts].map(([user, own]) => [JSON.stringify(user), fold(own)]));
  const best = (own: readonly number[]): number[] => own.toSorted((a, b) => b - a).slice(0, BEST);
  return (
    differenceOfUpdates(
      cut,
      "sums",
      perUser((own) => own.reduce((sum, one) => sum + one, 0)),
    ) ??
    differenceOfUpdates(
      cut,
      "smallest",
      perUser((own) => Math.min(...own)),
    ) ??
    differenceOfUpdates(
      cut,
      "largest",
      perUser((own) => Math.max(...own)),
    ) ??
    differenceOfUpdates(cut, "best", perUser(best)) ??
    differenceOfLists(
      valuesOf(cut, "first"),
      [...amounts.keys()].map((user) => JSON.stringify(user)),
    )
  );
}

function orderOf(line: string): Order {
  const [user, amount] = line.split(" ");
  return { user: user!, amount: Number(amount) };
}

function producer(scenario: Scenario, random: SeededRandom): Producer {
  const users = Math.max(2, scenario.sharedWords);
  const order = (): string =>
    `user${random.integer(users)} ${random.integer(1_000_000)} ${padding(random, scenario.paddingBytes / 10)}`;
  return { closing: [], lines: (count) => Array.from({ length: count }, order) };
}
