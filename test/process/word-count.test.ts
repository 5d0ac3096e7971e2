/** The word count from POST to GET on the real runtime. */
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { countWords } from "../../bench/texts.ts";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";
import { RuntimeStorage } from "../support/runtime-storage.ts";
import { sharedRuntime, startRuntime, temporaryDirectory } from "../support/runtime.ts";
import {
  answered,
  countsOf,
  countsPath,
  linesPath,
  post,
  realText,
  scanCounts,
} from "./word-count-client.ts";

const onRequest = ["--checkpoint-interval", "0"];

const running = sharedRuntime({ parameters: onRequest, variables: { WEIR_PARALLELISM: "4" } });

test("[IN1] [RD1] the word count counts a real text exactly, however it is sent", async () => {
  const runtime = running();
  const text = realText();
  const lines = text.split(/\r?\n/).filter((line) => line !== "").length;
  const sent = [
    await post(runtime, text),
    await post(runtime, text.replaceAll("\n", "\r\n"), { producer: "tests", sequence: 0 }),
    await post(runtime, new Uint8Array(gzipSync(text)), {
      headers: { "Content-Encoding": "gzip" },
    }),
  ];
  for (const response of sent) {
    expect(await response.json()).toEqual({ accepted: lines, duplicate: false });
  }
  const expected = countWords(`${text}\n${text}\n${text}`);
  expect(await countsOf(runtime, "limit=300")).toEqual(expected);
  const theCount = await answered(runtime, `${countsPath}/the`);
  expect(await theCount.json()).toEqual({ key: "the", value: expected.get("the") });
});

test("[RD2] the state gives the top words, prefixes and pages of a state in order", async () => {
  const runtime = running();
  // What the test before posted.
  const text = `${realText()}\n${realText()}\n${realText()}`;
  const expected = [...countWords(text)].map(([key, value]) => ({ key, value }));
  const byCount = expected.toSorted((left, right) =>
    left.value === right.value ? (left.key < right.key ? -1 : 1) : right.value - left.value,
  );
  expect(await scanCounts(runtime, "order=value-desc&limit=100")).toEqual(byCount);
  const top = await answered(runtime, `${countsPath}?order=value-desc&limit=10`);
  expect((await top.text()).trim().split("\n")).toEqual(
    byCount.slice(0, 10).map((entry) => JSON.stringify(entry)),
  );
  const prefixed = await countsOf(runtime, "prefix=check&limit=2");
  const expectedPrefixed = expected.filter(({ key }) => key.startsWith("check"));
  expect(prefixed).toEqual(new Map(expectedPrefixed.map(({ key, value }) => [key, value])));
  expect(prefixed.size).toBeGreaterThan(3);
});

test("[CK2] [RD1] [RD3] a requested checkpoint covers what was posted and keeps its manifest", async () => {
  const runtime = await startRuntime({
    directory: temporaryDirectory(),
    parameters: onRequest,
  });
  await post(runtime, "to be or not to be\n");
  const detail = await checkpoint(runtime);
  expect(detail).toMatchObject({ id: 1, status: "COMPLETED", num_subtasks: 4 });
  const manifest = await (await answered(runtime, "/jobs/wordcount/checkpoints/1/manifest")).json();
  expect(manifest).toMatchObject({ id: 1, parent: null, sources: [{ source: 0, offset: 1 }] });
  const atCheckpoint = new Map([
    ["to", 2],
    ["be", 2],
    ["or", 1],
    ["not", 1],
  ]);
  await post(runtime, "that is the question\n");
  expect(await countsOf(runtime, "checkpoint=1&limit=3")).toEqual(atCheckpoint);
  const be = await answered(runtime, `${countsPath}/be?checkpoint=1`);
  expect(await be.json()).toEqual({ key: "be", value: 2 });
  expect((await runtime.fetch(`${countsPath}/question?checkpoint=1`)).status).toBe(404);
  expect(await checkpoint(runtime)).toMatchObject({ id: 2, status: "COMPLETED" });
  expect(await (await answered(runtime, "/jobs/wordcount/checkpoints")).json()).toMatchObject({
    counts: { completed: 2, failed: 0, in_progress: 0 },
  });
  // Only one is retained by default.
  expect((await runtime.fetch("/jobs/wordcount/checkpoints/1/manifest")).status).toBe(410);
  expect((await runtime.fetch(`${countsPath}/be?checkpoint=1`)).status).toBe(410);
  expect((await runtime.fetch("/jobs/wordcount/checkpoints/9/manifest")).status).toBe(404);
});

test("lines sent over a WebSocket are answered one by one, in order", async () => {
  const runtime = running();
  const socket = new WebSocket(`${runtime.url.replace("http", "ws")}${linesPath}`);
  const answers = await new Promise<string[]>((resolve, reject) => {
    const received: string[] = [];
    socket.addEventListener("open", () => {
      for (let count = 0; count < 5; count++) socket.send("over the websocketwire\nand again\n");
    });
    socket.addEventListener("message", (event) => {
      received.push(String(event.data));
      if (received.length === 5) resolve(received);
    });
    socket.addEventListener("error", () => reject(new Error("The WebSocket failed.")));
  });
  socket.close();
  const expected = [0, 1, 2, 3, 4].map((sequence) => JSON.stringify({ accepted: 2, sequence }));
  expect(answers).toEqual(expected);
  expect((await countsOf(runtime)).get("websocketwire")).toBe(5);
});

test("[CK8] [RS4] the runtime ends with exit code 0 when it is asked to, and comes back where it was", async () => {
  const directory = temporaryDirectory();
  const first = await startRuntime({ directory, parameters: onRequest });
  await post(first, "one two two\n");
  await checkpoint(first);
  const statistics = await checkpoints(first);
  await post(first, "three three three\n");
  expect(await first.stop()).toBe(0);
  const second = await startRuntime({ directory, parameters: onRequest });
  expect(await checkpoints(second)).toEqual(statistics);
  expect(await countsOf(second)).toEqual(countWords("one two two three three three"));
});

test("[RS3] a source resumes by itself after a kill, without another request", async () => {
  const directory = temporaryDirectory();
  const first = await startRuntime({ directory, parameters: onRequest });
  expect((await post(first, realText())).status).toBe(200);
  await first.kill();
  const storage = new RuntimeStorage(directory);
  expect(storage.rows("Coordinator", "retained")).toEqual([]);
  expect(storage.rows("Source", "segments")).not.toEqual([]);
  // Only this one takes checkpoints by itself; nobody asks it for anything.
  const second = await startRuntime({ directory, parameters: ["--checkpoint-interval", "200"] });
  // A log is empty once a checkpoint covers all of it.
  await vi.waitUntil(() => storage.rows("Source", "segments").length === 0, 30_000);
  const [latest] = storage.rows<{ id: number }>("Coordinator", "retained");
  expect(await countsOf(second, `checkpoint=${latest?.id}`)).toEqual(countWords(realText()));
});

async function checkpoints(runtime: RuntimeProcess): Promise<unknown> {
  const { counts, history } = (await (
    await answered(runtime, "/jobs/wordcount/checkpoints")
  ).json()) as Record<string, unknown>;
  return { counts, history };
}

async function checkpoint(runtime: RuntimeProcess): Promise<unknown> {
  const request = { method: "POST" };
  return await (await answered(runtime, "/jobs/wordcount/checkpoints?wait=30", request)).json();
}
