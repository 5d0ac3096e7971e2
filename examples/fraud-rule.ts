/** Payments against rules that are changed while the job runs: a rule is a line like any other. */
import { job, mapState } from "weir";
import { z } from "zod";

const rule = z.object({ kind: z.literal("rule"), id: z.string(), highest: z.number() });
const payment = z.object({ kind: z.literal("payment"), card: z.string(), amount: z.number() });
const line = z.discriminatedUnion("kind", [rule, payment]);

const lines = job("fraud-rule").json(line, { rejectedTo: "rejected" });
const rules = lines.filter((each) => each.kind === "rule");
const payments = lines.filter((each) => each.kind === "payment");

export const fraudRule = payments
  .keyBy((each) => each.card)
  .connectBroadcast(rules)
  .processBroadcast("alerts", {
    broadcast: { rules: mapState<number>("rules", "string") },
    process({ card, amount }, _context, { rules }) {
      return rules
        .entries()
        .filter(([, highest]) => amount > highest)
        .map(([id]) => ({ card, amount, rule: id }));
    },
    processBroadcast({ id, highest }, { broadcast }) {
      broadcast.rules.put(id, highest);
    },
  })
  .output();
