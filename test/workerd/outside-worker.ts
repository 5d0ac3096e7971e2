/** A Worker with one job that asks an address of its bindings about each record, and gives up lines at which it throws. */
import { env } from "cloudflare:workers";
import { job } from "../../dataflow/job.ts";
import { weir } from "../../workers/weir.ts";

const bindings = env as unknown as { readonly OUTSIDE: string };

const enriched = job("enriched", {
  parallelism: 2,
  checkpoint: { intervalMs: 0 },
  restart: { initialBackoffMs: 50, maxBackoffMs: 100 },
  deadLetter: { output: "failed", attempts: 2 },
})
  .lines()
  .map(function checkLine(line) {
    if (line === "poison") throw new RangeError("This line cannot be processed.");
    return line;
  })
  .keyBy((line) => line)
  .mapAsync(
    "names",
    async (line, { signal }) => {
      const answer = await fetch(`${bindings.OUTSIDE}/${line}`, { signal });
      if (!answer.ok) throw new Error(`The outside answered ${answer.status}.`);
      return answer.text();
    },
    { timeoutMs: 2_000, retry: { kind: "fixed", attempts: 2, delayMs: 20 } },
  )
  .output();

const worker = weir([enriched]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform asks for it.
export default worker.handler;
