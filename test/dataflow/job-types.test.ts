/** What the compiler knows of a job: a wrong field, key or output type does not compile. */
import { expectTypeOf, test } from "vitest";
import { job, type KeyedStream, type Stream, type UpdatingStream } from "../../dataflow/job.ts";
import { outputTag } from "../../dataflow/operators/output-tag.ts";
import type { StandardSchema } from "../../dataflow/standard-schema.ts";
import { listState, valueState } from "../../dataflow/state/state-descriptor.ts";
import { watermarks } from "../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../dataflow/windows/assigners.ts";

interface Bid {
  readonly auction: number;
  readonly bidder: string;
  readonly price: number;
  readonly at: number;
}

declare const bidSchema: StandardSchema<unknown, Bid>;
/** Never called: only its types are looked at. */
function bids() {
  return job("bids").json(bidSchema);
}

test("a schema's output is the type of the stream", () => {
  expectTypeOf(bids).returns.toEqualTypeOf<Stream<Bid>>();
  // @ts-expect-error A schema is needed.
  const check = () => job("bids").json();
  expectTypeOf(check).toBeFunction();
});

test("fields, keys and results have the types of the records before them", () => {
  const check = () => {
    const stream = bids();
    // @ts-expect-error A bid has no field "prize".
    stream.map((bid) => bid.prize);
    // @ts-expect-error The predicate answers a boolean.
    stream.filter((bid) => bid.price);
    // @ts-expect-error An integer key says so.
    stream.keyBy((bid) => bid.auction);
    // @ts-expect-error A string is no integer key.
    stream.keyBy((bid) => bid.bidder, "integer");
    // @ts-expect-error Only streams of one type become one.
    stream.union(stream.map((bid) => bid.price));
    expectTypeOf(stream.keyBy((bid) => bid.auction, "integer")).toEqualTypeOf<
      KeyedStream<Bid, number>
    >();
    stream.assignTimestampsAndWatermarks(
      // @ts-expect-error A timestamp is a number.
      watermarks.monotonousTimestamps((bid: Bid) => bid.bidder),
    );
  };
  expectTypeOf(check).toBeFunction();
});

test("aggregates and windows pass key and result types on", () => {
  const check = () => {
    const byBidder = bids().keyBy((bid) => bid.bidder);
    expectTypeOf(byBidder.max("highest", (bid) => bid.price)).toEqualTypeOf<
      UpdatingStream<string, number>
    >();
    expectTypeOf(byBidder.maxBy("best", (bid) => bid.price)).toEqualTypeOf<
      UpdatingStream<string, Bid>
    >();
    // @ts-expect-error What is summed is a number.
    byBidder.sum("sums", (bid) => bid.bidder);
    // @ts-expect-error reduce answers a record of the same type.
    byBidder.reduce("merged", (bid) => bid.price);
    const perMinute = byBidder.window(tumblingWindows(60_000));
    expectTypeOf(perMinute.count("counts")).toEqualTypeOf<Stream<number>>();
    expectTypeOf(
      perMinute.count("shown", (count, { key, window }) => [{ key, start: window.start, count }]),
    ).toEqualTypeOf<Stream<{ key: string; start: number; count: number }>>();
    expectTypeOf(perMinute.reduce("largest", (a, b) => (a.price > b.price ? a : b))).toEqualTypeOf<
      Stream<Bid>
    >();
  };
  expectTypeOf(check).toBeFunction();
});

test("process functions know their record, key, states and output", () => {
  const expensive = outputTag<Bid>("expensive");
  const check = () => {
    const stream = bids()
      .keyBy((bid) => bid.auction, "integer")
      .process("prices", {
        state: { last: valueState<number>("last"), all: listState<string>("all") },
        process(bid: Bid, { key, state, timers }) {
          expectTypeOf(key).toEqualTypeOf<number>();
          expectTypeOf(state.last.get()).toEqualTypeOf<number | undefined>();
          expectTypeOf(state.all.get()).toEqualTypeOf<string[]>();
          // @ts-expect-error The state holds numbers.
          state.last.update(bid.bidder);
          // @ts-expect-error There is no such state.
          state.first.get();
          timers.registerEventTimeTimer(bid.at);
          return [{ auction: key, price: bid.price }];
        },
      });
    expectTypeOf(stream).toEqualTypeOf<Stream<{ auction: number; price: number }>>();
    expectTypeOf(stream.sideOutput(expensive)).toEqualTypeOf<Stream<Bid>>();
  };
  expectTypeOf(check).toBeFunction();
});

test("an updating stream goes nowhere that counts its updates", () => {
  const check = () => {
    const counts = bids()
      .keyBy((bid) => bid.bidder)
      .count("counts");
    // @ts-expect-error Updates depend on how records were batched [39].
    counts.map((update: unknown) => update);
    // @ts-expect-error The same.
    counts.process(() => []);
  };
  expectTypeOf(check).toBeFunction();
});
