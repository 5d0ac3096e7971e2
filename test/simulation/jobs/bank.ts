/**
 * Transfers: each line takes an amount from one account and gives it to another. In every checkpoint,
 * and in the committed output up to it, all accounts together have nothing.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { addTo, differenceOfStates, differenceOfUpdates } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Producer, SimulatedJob, States } from "./simulated-job.ts";
import { quoted } from "./word-count.ts";

interface Booking {
  readonly account: string;
  readonly amount: number;
}

const ACCOUNTS = 30;

export function bank(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const bookings = input.flatMap((line) => bookingsOf(line)).keyBy(({ account }) => account);
  bookings.process("balances", {
    state: { balance: valueState("balance", int64Codec) },
    process({ amount }, { state }) {
      state.balance.update((state.balance.get() ?? 0) + amount);
    },
  });
  const stream = bookings.sum("sums", ({ amount }) => amount).output("sums");
  return {
    graph: jobGraphOf(stream),
    producer: (_index, random) => producer(scenario, random),
    check(cut) {
      const balances = new Map<string, number>();
      for (const { account, amount } of cut.lines.flat().flatMap(bookingsOf)) {
        addTo(balances, account, amount);
      }
      return (
        unbalanced(cut.states) ??
        differenceOfStates(cut.states, { balance: quoted(balances) }) ??
        differenceOfUpdates(cut, "sums", quoted(balances))
      );
    },
  };
}

function bookingsOf(line: string): readonly Booking[] {
  const [from, to, text] = line.split(" ");
  const amount = Number(text);
  return [
    { account: from!, amount: -amount },
    { account: to!, amount },
  ];
}

function producer(scenario: Scenario, random: SeededRandom): Producer {
  const accounts = Array.from(
    { length: ACCOUNTS },
    (_, number) => `account${number}${"x".repeat(Math.min(100, scenario.paddingBytes))}`,
  );
  const transfer = (): string =>
    `${random.pick(accounts)} ${random.pick(accounts)} ${random.between(1, 1_000)} ${padding(random, 20)}`;
  return { closing: [], lines: (count) => Array.from({ length: count }, transfer) };
}

function unbalanced(states: States): string | undefined {
  const total = [...(states.get("balance") ?? []).values()].reduce(
    (sum, balance) => sum + Number(balance),
    0,
  );
  return total === 0 ? undefined : `all accounts together have ${total}`;
}
