/** Orders with the exchange rate of their currency, asked of a service: at most 20 questions at once. */
import { job } from "weir";

interface Order {
  readonly id: string;
  readonly currency: string;
  readonly amount: number;
}

async function rateOf(currency: string, signal: AbortSignal): Promise<number> {
  const answer = await fetch(`https://rates.example/${currency}`, { signal });
  if (!answer.ok) throw new Error(`The service of rates answered ${answer.status}.`);
  return Number(await answer.text());
}

export const enrichment = job("enrichment")
  .lines()
  .map((line) => JSON.parse(line) as Order)
  .keyBy((order) => order.currency)
  .mapAsync(
    "rates",
    async (order: Order, { signal }) => ({
      ...order,
      euro: order.amount * (await rateOf(order.currency, signal)),
    }),
    {
      capacity: 20,
      timeoutMs: 5_000,
      retry: {
        kind: "exponential",
        attempts: 5,
        initialDelayMs: 200,
        maxDelayMs: 5_000,
        multiplier: 2,
      },
    },
  )
  .output();
