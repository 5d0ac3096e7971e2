/** What the compiler knows of two inputs, joins, asynchronous functions and sinks. Never run: only types are looked at. */
import { expectTypeOf, test } from "vitest";
import type { ConnectedStreams } from "../../dataflow/connected-streams.ts";
import { job, type BuiltStream, type Stream } from "../../dataflow/job.ts";
import { outputTag } from "../../dataflow/operators/output-tag.ts";
import { queue } from "../../dataflow/sinks/queue.ts";
import type { StandardSchema } from "../../dataflow/standard-schema.ts";
import { mapState, valueState } from "../../dataflow/state/state-descriptor.ts";
import { tumblingWindows } from "../../dataflow/windows/assigners.ts";

interface Order {
  readonly id: number;
  readonly user: string;
  readonly amount: number;
}
interface Payment {
  readonly order: number;
  readonly paid: number;
}
interface Rule {
  readonly user: string;
  readonly limit: number;
}

declare const orderSchema: StandardSchema<unknown, Order>;
declare const paymentSchema: StandardSchema<unknown, Payment>;
declare const ruleSchema: StandardSchema<unknown, Rule>;

function streams() {
  const start = job("shop");
  return {
    orders: start.json(orderSchema),
    payments: start.json(paymentSchema),
    rules: start.json(ruleSchema),
  };
}

test("connected streams share a kind of key, and each function sees the records of its side", () => {
  const check = () => {
    const { orders, payments } = streams();
    const byId = orders.keyBy((order) => order.id, "integer");
    const connected = byId.connect(payments.keyBy((payment) => payment.order, "integer"));
    expectTypeOf(connected).toEqualTypeOf<ConnectedStreams<Order, Payment, number>>();
    // @ts-expect-error Keys of one kind only.
    byId.connect(payments.keyBy((payment) => String(payment.order)));
    // @ts-expect-error A stream without keys is broadcast: connectBroadcast.
    byId.connect(payments);
    const open = connected.process("open", {
      state: { due: valueState<number>("due") },
      processLeft(order: Order, { key, state }) {
        expectTypeOf(key).toEqualTypeOf<number>();
        state.due.update(order.amount);
        return [{ order: key, due: order.amount }];
      },
      processRight(payment: Payment, { state }) {
        // @ts-expect-error The state holds numbers.
        state.due.update(String(payment.paid));
        return [{ order: payment.order, due: (state.due.get() ?? 0) - payment.paid }];
      },
    });
    expectTypeOf(open).toEqualTypeOf<Stream<{ order: number; due: number }>>();
    connected.process("wrong", {
      processLeft: (order: Order) => [order.id],
      // @ts-expect-error The right side has payments.
      processRight: (order: Order) => [order.id],
    });
  };
  expectTypeOf(check).toBeFunction();
});

test("only the broadcast side may write broadcast state", () => {
  const check = () => {
    const { orders, rules } = streams();
    const refused = orders
      .keyBy((order) => order.user)
      .connectBroadcast(rules)
      .processBroadcast("limits", {
        broadcast: { limits: mapState<number>("limits", "string") },
        process(order: Order, { key }, { limits }) {
          expectTypeOf(key).toEqualTypeOf<string>();
          expectTypeOf(limits.get(key)).toEqualTypeOf<number | undefined>();
          // @ts-expect-error The keyed side only reads.
          limits.put(key, order.amount);
          return order.amount > (limits.get(key) ?? Infinity) ? [order.id] : [];
        },
        processBroadcast(rule: Rule, { broadcast }) {
          broadcast.limits.put(rule.user, rule.limit);
          // @ts-expect-error Limits are numbers.
          broadcast.limits.put(rule.user, rule.user);
        },
      });
    expectTypeOf(refused).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error Broadcast takes a stream without keys.
    orders.keyBy((order) => order.user).connectBroadcast(rules.keyBy((rule) => rule.user));
  };
  expectTypeOf(check).toBeFunction();
});

test("joins see both records and give streams of what they answer", () => {
  const check = () => {
    const { orders, payments } = streams();
    const connected = orders
      .keyBy((order) => order.id, "integer")
      .connect(payments.keyBy((payment) => payment.order, "integer"));
    const bounds = { lowerMs: -5, upperMs: 5 };
    const join = (order: Order, payment: Payment) => ({ user: order.user, paid: payment.paid });
    type Joined = Stream<{ user: string; paid: number }>;
    expectTypeOf(connected.intervalJoin("near", bounds, join)).toEqualTypeOf<Joined>();
    const windowing = { assigner: tumblingWindows(1_000) };
    expectTypeOf(connected.windowJoin("pairs", windowing, join)).toEqualTypeOf<Joined>();
    expectTypeOf(connected.join("all", {}, join)).toEqualTypeOf<Joined>();
    expectTypeOf(
      connected.windowCoGroup("groups", windowing, (lefts, rights, { key }) => [
        [key, lefts.length, rights.length] as const,
      ]),
    ).toEqualTypeOf<Stream<readonly [number, number, number]>>();
    // @ts-expect-error A payment has no user.
    connected.intervalJoin("wrong", bounds, (order, payment) => payment.user + order.user);
    // @ts-expect-error The sides are not the other way round.
    connected.windowJoin("wrong", windowing, (payment: Payment, _order: Order) => payment.paid);
    // @ts-expect-error Both bounds are needed.
    connected.intervalJoin("wrong", { lowerMs: -5 }, join);
    const late = outputTag<Payment>("late");
    connected.intervalJoin("late", { ...bounds, lateRight: late }, join);
    // @ts-expect-error Late orders are no payments.
    connected.intervalJoin("late", { ...bounds, lateLeft: late }, join);
  };
  expectTypeOf(check).toBeFunction();
});

test("mapAsync gives a stream of what its promise brings", () => {
  const check = () => {
    const { orders } = streams();
    const byUser = orders.keyBy((order) => order.user);
    const priced = byUser.mapAsync("priced", async (order, { key, attempt, signal }) => {
      expectTypeOf(key).toEqualTypeOf<string>();
      expectTypeOf(attempt).toEqualTypeOf<number>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return { ...order, price: await Promise.resolve(7) };
    });
    expectTypeOf(priced).toEqualTypeOf<
      Stream<{ price: number; id: number; user: string; amount: number }>
    >();
    const halves = byUser.flatMapAsync("halves", async ({ amount }) => [amount / 2, amount / 2], {
      onFailure: (order) => [order.amount],
      retryIfResult: ([first]) => first === 0,
    });
    expectTypeOf(halves).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error mapAsync takes a function that answers a promise.
    byUser.mapAsync("wrong", (order) => order.amount);
    // @ts-expect-error What stands in for a number is a number.
    byUser.mapAsync("wrong", async (order) => order.amount, { onFailure: () => ["none"] });
    byUser.mapAsync("wrong", async (order) => order.amount, {
      // @ts-expect-error There are ordered and unordered results.
      order: "sorted",
    });
  };
  expectTypeOf(check).toBeFunction();
});

test("sinkTo takes a sink and ends the stream", () => {
  const check = () => {
    const { orders } = streams();
    const sink = queue({ name: "orders", binding: "ORDERS" });
    expectTypeOf(orders.sinkTo(sink)).toEqualTypeOf<BuiltStream>();
    // @ts-expect-error A name is no sink.
    orders.sinkTo("orders");
    // @ts-expect-error A queue has a binding.
    orders.sinkTo(queue({ name: "orders" }));
    // @ts-expect-error Nothing follows a sink.
    orders.sinkTo(sink).map((order: Order) => order.id);
    const counts = orders.keyBy((order) => order.user).count("counts");
    // An updating stream goes on: it may have several outputs.
    expectTypeOf(counts.sinkTo(sink)).toEqualTypeOf(counts);
  };
  expectTypeOf(check).toBeFunction();
});
