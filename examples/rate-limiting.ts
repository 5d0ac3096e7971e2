/** A bucket of ten tokens for each client, filled by one a second: calls that find it empty are refused. */
import { job, valueState } from "weir";

const CAPACITY = 10;
const MS_PER_TOKEN = 1_000;

interface Call {
  readonly client: string;
  readonly call: number;
}

export const rateLimiting = job("rate-limiting")
  .lines()
  .map((line) => JSON.parse(line) as Call)
  .keyBy((call) => call.client)
  .process("buckets", {
    state: { bucket: valueState<{ tokens: number; at: number }>("bucket") },
    // The time is when the line arrived, so a replay decides as the first run did.
    process(call: Call, { state, processingTime: now }) {
      const { tokens, at } = state.bucket.get() ?? { tokens: CAPACITY, at: now };
      const filled = Math.min(CAPACITY, tokens + (now - at) / MS_PER_TOKEN);
      const isAllowed = filled >= 1;
      state.bucket.update({ tokens: isAllowed ? filled - 1 : filled, at: now });
      return isAllowed ? [] : [{ ...call, refusedAt: now }];
    },
  })
  .output();
