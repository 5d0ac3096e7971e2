/** Feeds against what they are for: a real bucket and a real queue in workerd, and kills. */
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";
import { WeirClient } from "../../cli/weir-client.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { startRuntime, temporaryDirectory } from "../support/runtime.ts";

const script = new URL("feed-runtime.ts", import.meta.url);
const lineCount = 170_000;

interface Described {
  readonly status: string;
  readonly sources: readonly { readonly accepted: number }[];
}

async function until<Answer>(
  runtime: RuntimeProcess,
  path: string,
  isThere: (answer: Answer) => boolean,
): Promise<Answer> {
  const client = new WeirClient({ url: runtime.url });
  for (const end = Date.now() + 90_000; ;) {
    const answer = await client.json<Answer>(path);
    if (isThere(answer)) return answer;
    if (Date.now() > end) throw new Error(`It never came: ${JSON.stringify(answer)}`);
    await wait(20);
  }
}

async function countsOf({ url }: RuntimeProcess, job: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { key, value } of new WeirClient({ url }).scan(job, "counts")) {
    counts[String(key)] = value as number;
  }
  return counts;
}

/** Lines that hardly compress, so that the object is as large as it says. */
function archive() {
  const random = new SeededRandom(20_261_123);
  const noise = Buffer.alloc(lineCount * 90);
  for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE(random.integer(2 ** 32), at);
  const expected: Record<string, number> = {};
  const lines = Array.from({ length: lineCount }, (_, line) => {
    const word = `word-${random.integer(500)}`;
    expected[word] = (expected[word] ?? 0) + 1;
    return `${noise.toString("base64", line * 90, line * 90 + 90)} ${word}`;
  });
  return { object: new Uint8Array(gzipSync(lines.join("\n"), { level: 1 })), expected };
}

test("[FD1] a job over gzip of 16 MB is FINISHED with exact counts, though it was killed while it read", async () => {
  const directory = temporaryDirectory();
  const { expected, object } = archive();
  expect(object.length).toBeGreaterThan(16_000_000);
  let runtime = await startRuntime({ directory, script });
  await runtime.fetch("/test/objects/archive/one.gz", { method: "PUT", body: object });
  const { sources } = await until<Described>(
    runtime,
    "/jobs/archive",
    (job) => job.sources[0]!.accepted >= 20_000,
  );
  await runtime.kill();
  expect(sources[0]!.accepted).toBeLessThan(lineCount);
  runtime = await startRuntime({ directory, script });
  await until<Described>(runtime, "/jobs/archive", ({ status }) => status === "FINISHED");
  expect(await countsOf(runtime, "archive")).toEqual(expected);
}, 180_000);

test("[FD12] a woken job reads by itself, without being asked about", async () => {
  const variables = { WAKE: "yes" };
  const runtime = await startRuntime({ directory: temporaryDirectory(), script, variables });
  await until<readonly string[]>(runtime, "/test/stored", (keys) => keys.length > 0);
  await until<Described>(runtime, "/jobs/made", ({ status }) => status === "FINISHED");
  expect(await countsOf(runtime, "made")).toEqual({ "line 0": 10, "line 1": 10, "line 2": 10 });
}, 120_000);

test("[FD11] [FD12] each message of a queue counts once, though acknowledgements get lost and the job is stopped", async () => {
  const runtime = await startRuntime({ directory: temporaryDirectory(), script });
  const sent = Array.from({ length: 300 }, (_, index) => `message ${index % 7}`);
  const send = async (part: number) => {
    const body = sent.slice(part * 100, (part + 1) * 100).join("\n");
    await runtime.fetch("/test/messages", { method: "POST", body });
  };
  type Deliveries = Record<"acknowledged" | "lost" | "later", number>;
  const isAnyLater = ({ later }: Deliveries) => later >= 100;
  const areAllIn = ({ acknowledged }: Deliveries) => acknowledged === sent.length;
  const post = (path: string) =>
    new WeirClient({ url: runtime.url }).send(`/jobs/messages${path}`, {
      method: "POST",
      body: "{}",
      headers: { "Content-Type": "application/json" },
    });
  await send(0);
  await send(1);
  await until<Described>(runtime, "/jobs/messages", ({ sources }) => sources[0]!.accepted === 200);
  await post("/stop");
  await send(2);
  await until<Deliveries>(runtime, "/test/deliveries", isAnyLater);
  await post("/start");
  const { lost } = await until<Deliveries>(runtime, "/test/deliveries", areAllIn);
  expect(lost).toBeGreaterThanOrEqual(200);
  await post("/checkpoints");
  const expected: Record<string, number> = {};
  for (const line of sent) expected[line] = (expected[line] ?? 0) + 1;
  expect(await countsOf(runtime, "messages")).toEqual(expected);
  const refused = await runtime.fetch("/jobs/messages/lines", { method: "POST", body: "x" });
  expect(refused.status).toBe(405);
  // Nobody has asked about the others: GET /jobs begins their feeds, and changes nothing of this one.
  type Jobs = { readonly jobs: readonly { readonly id: string; readonly status: string }[] };
  await until<Jobs>(runtime, "/jobs", ({ jobs }) =>
    jobs.every(({ id, status }) => status === (id === "messages" ? "RUNNING" : "FINISHED")),
  );
  expect(await countsOf(runtime, "made")).toEqual({ "line 0": 10, "line 1": 10, "line 2": 10 });
}, 120_000);
