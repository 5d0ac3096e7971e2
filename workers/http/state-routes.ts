/**
 * Keyed state over HTTP: one key, or pages of NDJSON, of everything processed so far or as of a
 * completed checkpoint.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { decodeCursor } from "../../dataflow/keyed/scan-cursor.ts";
import type { StateEntry } from "../../durable-objects/messages.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import { workerEnvironment } from "../../durable-objects/platform/worker-environment.ts";
import { readAtCheckpoint } from "../state/checkpoint-state.ts";
import { encodeKeyText } from "../state/keys.ts";
import { hasEnded, latestCheckpoint } from "../state/latest-checkpoint.ts";
import { liveState, TopologyCache } from "../state/live-state.ts";
import { readKey, readKeyPage, readPage } from "../state/state-page.ts";
import type { PageRequest, PageResult, Refused } from "../state/state-page.ts";
import { describeStates } from "../state/state-list.ts";
import { ResolvedChains } from "../state/resolved-chains.ts";
import { emptyState, findState } from "../state/state-reads.ts";
import type { NamedState, StateReads } from "../state/state-reads.ts";
import { notFound, ProblemError, storageMoved } from "./problem.ts";
import { addRoute, jobParameter, jsonObject, problems, reachJob } from "./routing.ts";
import type { ReachableJob, WeirApp } from "./routing.ts";

/** Of manifests remembered per isolate: some hundred chains of small jobs. */
const CHAINS_LIMIT_BYTES = 2 * 1024 * 1024;

const DEFAULT_LIMIT = 1000;

export function addStateRoutes(app: WeirApp, jobs: JobRegistry): void {
  const topologies = new TopologyCache();
  const chains = new ResolvedChains(workerEnvironment, CHAINS_LIMIT_BYTES);
  addRoute(app, listStates, async (context) => {
    const job = reachJob(jobs, context.req.param("job"), context.env);
    return context.json(await describeStates(job, new R2BlobStore(job.bucket), chains));
  });
  addRoute(app, readOneKey, async (context) => {
    const { job: jobName, state: stateName, key } = context.req.valid("param");
    const job = reachJob(jobs, jobName, context.env);
    const named = findState(job.graph, stateName);
    const bytes = encodeKeyText(named.state.keyType, key);
    const { checkpoint, limit, cursor } = context.req.valid("query");
    const from = { topologies, chains, job, named, checkpoint };
    if (limit !== undefined || cursor !== undefined) {
      const request = keyPageRequest(named, { limit: limit ?? DEFAULT_LIMIT, cursor });
      return pageResponse(await readFrom(from, (reads) => readKeyPage(reads, request, bytes)));
    }
    const answer = await readFrom(from, (reads) => readKey(reads, named.state, bytes));
    if (answer.kind === "missing") {
      throw notFound("No such key", `State "${stateName}" holds nothing under this key.`);
    }
    if (answer.kind === "tooLarge") throw tooLarge(stateName);
    if (answer.kind !== "found") throw refusal(answer);
    const shownKey = named.state.keyType === "string" ? JSON.stringify(key) : String(Number(key));
    return jsonText(`{"key":${shownKey},"value":${answer.json}}`, "application/json");
  });
  addRoute(app, readPages, async (context) => {
    const { job: jobName, state: stateName } = context.req.valid("param");
    const job = reachJob(jobs, jobName, context.env);
    const named = findState(job.graph, stateName);
    const { checkpoint, ...query } = context.req.valid("query");
    const request = pageRequest(named, query);
    const from = { topologies, chains, job, named, checkpoint };
    return pageResponse(await readFrom(from, (reads) => readPage(reads, request)));
  });
}

function pageResponse(page: PageResult): Response {
  if (page.kind !== "page") throw refusal(page);
  const response = jsonText(page.entries.map(entryLine).join(""), "application/x-ndjson");
  if (page.next !== undefined) response.headers.set("Next-Cursor", page.next);
  return response;
}

/** All members are JSON texts already. */
function entryLine({ key, window, mapKey, index, value }: StateEntry): string {
  const members = Object.entries({ key, window, mapKey, index, value })
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `"${name}":${text!}`);
  return `{${members.join(",")}${value === undefined ? ',"tooLarge":true' : ""}}\n`;
}

interface ReadingPlace {
  readonly topologies: TopologyCache;
  readonly chains: ResolvedChains;
  readonly job: ReachableJob;
  readonly named: NamedState;
  readonly checkpoint: number | undefined;
}

async function readFrom<Answer extends { readonly kind: string }>(
  place: ReadingPlace,
  read: (reads: StateReads) => Promise<Answer>,
): Promise<Answer> {
  const { job, checkpoint } = place;
  if (checkpoint !== undefined) return await readCheckpoint(place, checkpoint, read);
  const answer = await readLive(place, read);
  if (answer.kind !== "notReady") return answer;
  const latest = await latestCheckpoint(job);
  if (!hasEnded(latest.status)) return answer;
  return await readCheckpoint(place, latest.checkpoint, read);
}

/** A read that met the wrong partition is done once more with the topology read anew [20]. */
async function readLive<Answer extends { readonly kind: string }>(
  { topologies, job, named }: ReadingPlace,
  read: (reads: StateReads) => Promise<Answer>,
): Promise<Answer> {
  const answer = await read(await liveState(topologies, job, named.vertex.uid));
  if (answer.kind !== "notOwner") return answer;
  topologies.forget(job.graph.name);
  return await read(await liveState(topologies, job, named.vertex.uid));
}

async function readCheckpoint<Answer>(
  { chains, job, named }: ReadingPlace,
  checkpoint: number,
  read: (reads: StateReads) => Promise<Answer>,
): Promise<Answer> {
  // What a job that has ended without a checkpoint holds, unless it failed because its storage moved.
  if (checkpoint === 0) {
    const located = await job.peers.coordinator().locateCheckpoint(checkpoint);
    if (located.kind === "elsewhere") throw storageMoved(located.reason);
    return await read(emptyState(job.graph));
  }
  const place = {
    coordinator: job.peers.coordinator(),
    environment: workerEnvironment,
    vertex: named.vertex,
    checkpoint,
    blobStore: new R2BlobStore(job.bucket),
    chains,
  };
  return await readAtCheckpoint(place, read);
}

function pageRequest(
  { state }: NamedState,
  query: { prefix: string; limit: number; cursor?: string | undefined; order: string },
): PageRequest {
  const order = query.order === "value-desc" ? "valueDescending" : "key";
  const { prefix, limit, cursor } = query;
  return { state, prefix, limit, order, ...checkCursor(cursor, order) };
}

function keyPageRequest(
  { state }: NamedState,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): Pick<PageRequest, "state" | "limit" | "cursor"> {
  const order = state.isList && state.kind !== "window" ? "index" : "key";
  return { state, limit, ...checkCursor(cursor, order) };
}

/** Throws the 400 of the contract. */
function checkCursor(
  cursor: string | undefined,
  order: "key" | "valueDescending" | "index",
): { readonly cursor?: string } {
  if (cursor === undefined) return {};
  try {
    decodeCursor(cursor, order);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ProblemError({ status: 400, title: "Bad cursor", detail: error.message });
  }
  return { cursor };
}

function tooLarge(state: string): ProblemError {
  return new ProblemError({
    status: 400,
    title: "Too large for one answer",
    detail:
      `State "${state}" holds more than 4 MiB under this key. Read it a page at a time: ask again ` +
      `with limit=1000, and with cursor= the Next-Cursor of each answer until there is none.`,
  });
}

function refusal(answer: Refused): ProblemError {
  switch (answer.kind) {
    case "unknownState":
      return notFound("No such state", "The partition that was asked has no such state.");
    case "notNumeric":
      return new ProblemError({
        status: 400,
        title: "Not numeric",
        detail: "order=value-desc is for states that hold one codecs.int64 number per key.",
      });
    case "notOwner":
      return new ProblemError({
        status: 503,
        title: "Rescaling",
        detail: "The key groups are moving between partitions: ask again.",
        retryAfterSeconds: 1,
      });
    case "notReady":
      return new ProblemError({
        status: 503,
        title: "Catching up",
        detail: "The partition woke up and has not yet processed everything it had: ask again.",
        retryAfterSeconds: answer.retryAfterSeconds,
      });
  }
}

function jsonText(text: string, contentType: string): Response {
  return new Response(text, { headers: { "Content-Type": contentType } });
}

const stateParameters = jobParameter.extend({
  state: z.string().openapi({ param: { name: "state", in: "path" }, example: "counts" }),
});

const checkpoint = z.coerce
  .number()
  .int()
  .positive()
  .optional()
  .openapi({ description: "Read this completed checkpoint: a consistent cut of the whole job" });

const limit = z.coerce.number().int().min(1).max(10_000);
const cursor = z.string().optional().openapi({ description: "Next-Cursor of the page before" });

const listStates = createRoute({
  method: "get",
  path: "/jobs/{job}/state",
  summary: "Names, kinds, types and sizes of the job's states",
  request: { params: jobParameter },
  responses: {
    200: jsonObject("States"),
    ...problems({ 404: "No such job", 503: "The job was deployed with another bucket or prefix" }),
  },
});

const readOneKey = createRoute({
  method: "get",
  path: "/jobs/{job}/state/{state}/{key}",
  summary: "The value of one key",
  request: {
    params: stateParameters.extend({
      key: z.string().openapi({ param: { name: "key", in: "path" }, example: "weir" }),
    }),
    query: z.object({
      checkpoint,
      limit: limit.optional().openapi({
        description:
          "Answers NDJSON instead: a line per entry of a map, per window, per element of a list",
      }),
      cursor,
    }),
  },
  responses: {
    200: jsonObject(
      "key and value: a list as an array, a map as an object, windows as an array of window and value",
    ),
    ...problems({
      400: "A list, a map or windows of more than 4 MiB: read them with limit and cursor",
      404: "No such job, state or key",
      410: "The checkpoint is no longer retained",
      503: "The partition is catching up, or the job was deployed with another bucket or prefix",
    }),
  },
});

const readPages = createRoute({
  method: "get",
  path: "/jobs/{job}/state/{state}",
  summary: "Entries of a state, a page at a time",
  request: {
    params: stateParameters,
    query: z.object({
      prefix: z.string().default(""),
      limit: limit.default(DEFAULT_LIMIT),
      cursor,
      order: z.enum(["key", "value-desc"]).default("key").openapi({
        description:
          "key: by key group, then key. value-desc: numeric states, the largest first, ties by key",
      }),
      checkpoint,
    }),
  },
  responses: {
    200: {
      description:
        "NDJSON of key and value, of maps with mapKey, of windows with window, a line each; Next-Cursor when there is more",
      headers: z.object({ "Next-Cursor": z.string().optional() }),
      content: { "application/x-ndjson": { schema: z.string() } },
    },
    ...problems({
      404: "No such job or state",
      410: "The checkpoint is no longer retained",
      503: "A partition is catching up, or the job was deployed with another bucket or prefix",
    }),
  },
});
