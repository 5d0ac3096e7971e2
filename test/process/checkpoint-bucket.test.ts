/** A job below a prefix in a bucket of its own, on workerd: everything that touches storage finds it there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { openPlace } from "../../cli/inspect/place.ts";
import { verify } from "../../cli/inspect/manifest-command.ts";
import { LocalRuntime } from "../../cli/local-runtime.ts";
import { WeirClient } from "../../cli/weir-client.ts";
import { bucketsIn } from "../../cli/wrangler-buckets.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { runWeir } from "../support/weir-command.ts";

/** More than travels inside a manifest or an acknowledgement, and hard to compress. */
const random = new SeededRandom(13);
const words = Array.from({ length: 10_000 }, (_, index) => {
  const parts = Array.from({ length: 4 }, () => random.integer(2 ** 31).toString(36));
  return `${index}-${parts.join("")}`;
});

const boundBuckets = bucketsIn(`
  [[r2_buckets]]
  binding = "BUCKET"
  bucket_name = "weir"

  [[r2_buckets]] # of the job "placed"
  bucket_name = 'placed'
  binding = 'CHECKPOINTS'

  [version_metadata]
  binding = "VERSION"
`);

let client: WeirClient;
let url: string;
let directory: string;
let runtime: LocalRuntime;

/** Runs a Worker of test/workerd over what the one before it left. */
async function deploy(worker: string): Promise<void> {
  runtime = await LocalRuntime.start({
    port: 0,
    directory,
    module: new URL(`../workerd/${worker}`, import.meta.url),
    variables: { WEIR_ACCESS: "open" },
    boundBuckets,
  });
  ({ url } = runtime);
  client = new WeirClient({ url });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weir-bucket-"));
  await deploy("bucket-worker.ts");
  return async () => {
    await runtime.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
});

async function keysOf(binding: string): Promise<readonly string[]> {
  return (await (await client.send(`/test/keys/${binding}`, {})).json()) as string[];
}

async function takeCheckpoint(): Promise<void> {
  await client.send("/jobs/placed/lines", { method: "POST", body: words.join("\n") });
  await client.send("/jobs/placed/checkpoints?wait=60", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: '{"checkpointType":"FULL"}',
  });
}

async function outputLines(): Promise<number> {
  let lines = 0;
  let cursor = "";
  for (;;) {
    const page = await client.send(`/jobs/placed/output?limit=100000${cursor}`, {});
    lines += (await page.text()).match(/\n/g)?.length ?? 0;
    const next = page.headers.get("Next-Cursor");
    if (next === null) return lines;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

async function refusal(path: string, request: RequestInit) {
  const response = await fetch(`${url}${path}`, request);
  return { status: response.status, ...((await response.json()) as object) };
}

test("[CK13] a job with a bucket and a prefix keeps everything there, and BUCKET stays empty", async () => {
  for (let checkpoint = 1; checkpoint <= 3; checkpoint++) await takeCheckpoint();
  const config = await client.json("/jobs/placed/checkpoints/config");
  expect(config).toMatchObject({ storage_bucket: "CHECKPOINTS", storage_prefix: "team/weir/" });

  // The sweep: of three full checkpoints two are retained.
  await expect
    .poll(async () => (await keysOf("CHECKPOINTS")).filter((key) => key.includes("/chk-1/")))
    .toEqual([]);
  const keys = await keysOf("CHECKPOINTS");
  expect(keys.filter((key) => !key.startsWith("team/weir/placed/"))).toEqual([]);
  const manifests = keys.filter((key) => key.endsWith("manifest.json"));
  expect(manifests).toHaveLength(2);
  const table = keys.find((key) => key.endsWith(".sst"))!;

  for (const query of ["", "?checkpoint=3"]) {
    const found = await client.json(`/jobs/placed/state/counts/${words[7]}${query}`);
    expect(found).toEqual({ key: words[7], value: 3 });
  }
  expect(await client.json(`/jobs/placed/state/counts/${words[7]}?checkpoint=2`)).toMatchObject({
    value: 2,
  });
  expect(await client.json("/jobs/placed/state")).toMatchObject({ checkpoint: 3 });
  expect(keys.some((key) => key.endsWith(".ndjson"))).toBe(true);
  expect(await outputLines()).toBe(3 * words.length);

  const part = await client.send(`/jobs/placed/blobs/${table}`, {
    headers: { Range: "bytes=0-9" },
  });
  expect(part.status).toBe(206);
  const { isSound } = await verify(await openPlace(url, { job: "placed" }), undefined);
  expect(isSound).toBe(true);
  const listed = await runWeir(["--url", url, "--job", "placed", "checkpoints", "list"]);
  expect(listed).toMatchObject({ code: 0, stderr: "" });

  const stray = `${manifests[0]!.split("/chk-")[0]}/counts-0/g1-c1-stray.sst`;
  await client.send(`/test/stray/${stray}`, { method: "PUT" });
  const scan = await (await client.send("/test/scan", { method: "POST" })).json();
  expect(scan).toMatchObject({ kind: "scanned", listed: keys.length + 1, orphans: 1, foreign: 0 });
  await expect.poll(() => keysOf("CHECKPOINTS")).toEqual(keys);
  expect(await keysOf("BUCKET")).toEqual([]);
});

test("[CK14] a job whose bucket is not bound takes no line and says what to put into wrangler.toml", async () => {
  const detail =
    'Job "homeless" keeps its checkpoints in the R2 bucket bound as "NOWHERE", and this Worker has no such ' +
    'binding: add [[r2_buckets]] with binding = "NOWHERE" and the bucket_name to wrangler.toml, or name ' +
    'another binding in the job\'s option "checkpoint.bucket".';
  const problem = { status: 503, title: "Bucket not bound", detail };
  const post = { method: "POST", body: "word" };
  expect(await refusal("/jobs/homeless/lines", post)).toMatchObject(problem);
  expect(await client.json("/jobs")).toEqual({
    jobs: [
      { id: "placed", status: "RUNNING" },
      {
        id: "homeless",
        status: "FAILED",
        problem: { type: "urn:weir:problem:bucket-not-bound", ...problem },
      },
    ],
  });
  const listed = await runWeir(["--url", url, "jobs"]);
  expect(listed).toMatchObject({ code: 0, stderr: `homeless: ${detail}\n` });
  expect(listed.stdout).toMatch(/placed[^\n]*RUNNING[^\n]*\n(.*\n)*.*homeless[^\n]*FAILED/);
  expect(await refusal("/jobs/homeless", {})).toMatchObject(problem);
  const past = await fetch(`${url}/test/append`, { method: "POST" });
  expect(await past.text()).toContain(detail);
});

test("[CK15] reads of a job that was deployed with another bucket say why they are refused, and work after the earlier deploy", async () => {
  await takeCheckpoint();
  const { latest } = await client.json<{ latest: { completed: { id: number } } }>(
    "/jobs/placed/checkpoints",
  );
  const { id } = latest.completed;
  const key = `/jobs/placed/state/counts/${words[7]}`;
  const before = await client.json(key);
  await runtime.stop();

  await deploy("moved-bucket-worker.ts");
  const reads = [
    key,
    `${key}?checkpoint=${id}`,
    "/jobs/placed/state/counts",
    `/jobs/placed/state/counts?checkpoint=${id}`,
    "/jobs/placed/state",
    `/jobs/placed/checkpoints/${id}/manifest`,
    "/jobs/placed/output",
  ];
  for (const path of reads) {
    expect({ path, ...(await refusal(path, {})) }).toEqual({
      path,
      type: "urn:weir:problem:storage-moved",
      status: 503,
      title: "Storage moved",
      detail:
        'The job was deployed with checkpoint.bucket "BUCKET" instead of "CHECKPOINTS", which is fixed while ' +
        "the job has state or a log: deploy the earlier value and start the job.",
      jobStatus: "FAILED",
    });
  }
  expect(await client.json("/jobs")).toEqual({ jobs: [{ id: "placed", status: "FAILED" }] });
  await runtime.stop();

  await deploy("bucket-worker.ts");
  await client.postJson("/jobs/placed/start", { from: "latest" });
  expect(await client.json(key)).toEqual(before);
  expect(await client.json(`${key}?checkpoint=${id}`)).toEqual(before);
});

test("buckets are read from wrangler.toml in whichever form of TOML they stand, and from nothing else", () => {
  const bound = { BUCKET: "weir", CHECKPOINTS: "placed" };
  const forms = [
    'r2_buckets = [{ binding = "BUCKET", bucket_name = "weir" }, { bucket_name = "placed", binding = "CHECKPOINTS" }]',
    '[[ "r2_buckets" ]]\n"binding" = """BUCKET"""\nbucket_name = "we\\u0069r"\n[[r2_buckets]]\r\nbinding="CHECKPOINTS"\r\nbucket_name=\'placed\'',
    `r2_buckets = [
      { binding = "BUCKET", bucket_name = "weir" }, # the default
      { binding = "CHECKPOINTS", bucket_name = "placed" },
    ]
    [vars]
    NOTE = """
[[r2_buckets]]
binding = "NOTE"
"""`,
  ];
  for (const toml of forms) expect(bucketsIn(toml)).toEqual(bound);
  expect(bucketsIn('name = "weir"')).toEqual({});
});

test("a wrangler.toml that cannot be read is refused with the place and what to do", () => {
  expect(() => bucketsIn("[[r2_buckets]]\nbinding = BUCKET\n")).toThrow(
    /^wrangler\.toml is no TOML: .*\n*.*2:/s,
  );
  expect(() => bucketsIn('[r2_buckets]\nbinding = "BUCKET"\n')).toThrow(
    "r2_buckets of wrangler.toml is no list: write [[r2_buckets]] before each bucket.",
  );
});

test("a table of [[r2_buckets]] without a name is refused with the line to add", () => {
  expect(() => bucketsIn('[[r2_buckets]]\nbinding = "BUCKET"\n')).toThrow(
    'An [[r2_buckets]] of wrangler.toml has no line bucket_name = "…": add it.',
  );
});
