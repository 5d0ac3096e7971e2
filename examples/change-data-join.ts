/** Orders with the newest row of their customer, from a feed of changes. An order waits until its customer is known. */
import { job, listState, valueState } from "weir";

type Line =
  | {
      readonly table: "customers";
      readonly op: "upsert" | "delete";
      readonly id: string;
      readonly name?: string;
    }
  | {
      readonly table: "orders";
      readonly id: string;
      readonly customer: string;
      readonly amount: number;
    };
type Customer = Extract<Line, { table: "customers" }>;
type Order = Extract<Line, { table: "orders" }>;

const lines = job("change-data-join")
  .lines()
  .map((line) => JSON.parse(line) as Line);
const customers = lines.filter((line): line is Customer => line.table === "customers");
const orders = lines.filter((line): line is Order => line.table === "orders");

export const changeDataJoin = orders
  .keyBy((order) => order.customer)
  .connect(customers.keyBy((customer) => customer.id))
  .process("enrich", {
    state: { name: valueState<string>("name"), waiting: listState<Order>("waiting") },
    processLeft(order: Order, { state }) {
      const name = state.name.get();
      if (name !== undefined) return [{ ...order, name }];
      state.waiting.add(order);
      return [];
    },
    processRight({ op, name }: Customer, { state }) {
      if (op === "delete" || name === undefined) {
        state.name.clear();
        return [];
      }
      state.name.update(name);
      const waiting = state.waiting.get();
      state.waiting.clear();
      return waiting.map((order) => ({ ...order, name }));
    },
  })
  .output();
