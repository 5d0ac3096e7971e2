/** docs/library.md, done as it says: a package, three files, a Worker that runs. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { tmpdir } from "node:os";
import { commandOf, runCommand, startCommandUntil } from "../support/child-command.ts";
import { codeBlocksOf } from "../support/code-blocks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const blocks = codeBlocksOf("docs/library.md");
const wrangler = commandOf("wrangler", "bin/wrangler.js");

let project: string;

/** An empty project with the package installed, and the page's files in it. */
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "weir-library-"));
  const packed = await runCommand(root, `npm pack --silent --pack-destination "${project}"`);
  const archive = packed.trim().split("\n").at(-1)!;
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  await runCommand(
    project,
    `npm install --no-audit --no-fund --prefer-offline "./${archive}" && npm ls weir`,
  );
  for (const { file, text } of blocks) {
    if (file === undefined) continue;
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }
  return () => rmSync(project, { recursive: true, force: true, maxRetries: 10 });
}, 180_000);

test("a project of its own has exactly the three files the page shows", () => {
  const files = blocks.flatMap(({ file }) => file ?? []);
  expect(files).toEqual(["src/views.ts", "src/index.ts", "wrangler.toml"]);
});

/** Every type that what StateEngine.open() and openReadOnly() take is made of, by the name it is imported by. */
const engineTypes = `import { StateEngine, batchBytes, openReadOnly } from "weir/state-engine";
import type { BlobStore, Environment, Compression, CompressionName, KeyGroupRange, LargerCompression, MemoryPool,
  MemoryMember, MergeOperator, StateWrite, TableExpiry, TableReference, UploadLog, EngineTuning } from "weir/state-engine";
interface Parts {
  readonly environment: Environment; readonly blobStore: BlobStore; readonly keyGroups: KeyGroupRange;
  readonly tables: readonly TableReference[]; readonly sequence: number; readonly uploads: UploadLog;
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>; readonly tuning: Partial<EngineTuning>;
}
export const engineOf = (parts: Parts): StateEngine => StateEngine.open(parts);
export const readerOf = (parts: Parts) => openReadOnly(parts);
export const codecOf = ({ codecs }: Environment, name: CompressionName): Compression | undefined => codecs[name];
export const largerOf = ({ forLarger }: Compression): LargerCompression | undefined => forLarger;
export const memoryOf = ({ memory }: Environment): MemoryPool => memory;
export const joined = (pool: MemoryPool, member: MemoryMember): void => pool.join(member);
export const writeAll = async (engine: StateEngine, key: Uint8Array, end: Uint8Array): Promise<void> => {
  const batch: StateWrite[] = [{ kind: "put", key, value: key, expiresAt: 1 }, { kind: "delete", key }];
  batch.push({ kind: "merge", key, operand: key }, { kind: "deleteRange", start: key, end });
  await engine.admit(batchBytes(batch));
  engine.write(batch);
};
export const expiryOf = ({ expiry }: TableReference): TableExpiry | undefined => expiry;
`;

test("the project, the page's job that calls the outside and its tests of operators type-check against the package", async () => {
  const types = dirname(
    createRequire(import.meta.url).resolve("@cloudflare/workers-types/package.json"),
  );
  mkdirSync(join(project, "node_modules/@cloudflare"), { recursive: true });
  symlinkSync(types, join(project, "node_modules/@cloudflare/workers-types"));
  writeTests();
  writeFileSync(join(project, "src/orders.ts"), exampleWith("mapAsync"));
  writeFileSync(join(project, "src/engine.ts"), engineTypes);
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2024",
        lib: ["ES2025"],
        module: "ESNext",
        moduleResolution: "bundler",
        types: ["@cloudflare/workers-types/experimental"],
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
      },
      include: ["src"],
    }),
  );
  expect(await runCommand(project, `${commandOf("typescript", "bin/tsc")} -p .`)).toBe("");
});

test("the page's tests of operators print what it says", async () => {
  const files = writeTests();
  expect(files).toHaveLength(2);
  for (const { file, text } of files) {
    const printed = await runCommand(project, `"${process.execPath}" ${file}`);
    const promised = [...text.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, said]) => said);
    expect(printed.trim().split("\n")).toEqual(promised);
  }
});

test("wrangler would deploy the project with its bindings", async () => {
  const printed = await runCommand(project, `${wrangler} deploy --dry-run`);
  for (const binding of ["env.SOURCE", "env.PARTITION", "env.COORDINATOR", "env.BUCKET"]) {
    expect(printed).toContain(binding);
  }
});

test("wrangler would deploy a project whose job reads a queue, as docs/sources.md binds it", async () => {
  const own = blocks.find(({ file }) => file === "wrangler.toml")!.text;
  const consumer = codeBlocksOf("docs/sources.md").find(({ text }) =>
    text.includes("queues.consumers"),
  )!;
  const config = own.replace(/^main = .*$/m, 'main = "src/queue.ts"');
  writeFileSync(join(project, "wrangler.queue.toml"), `${config}\n${consumer.text}`);
  writeFileSync(
    join(project, "src/queue.ts"),
    `import { job, queueMessages } from "weir";
import { weir } from "weir/worker";

const orders = job("orders")
  .from(queueMessages({ queue: "orders" }))
  .lines()
  .keyBy((line) => line)
  .count("counts");
const worker = weir([orders]);
export const { Source, Partition, Coordinator } = worker;
export default worker.handler;
`,
  );
  const printed = await runCommand(
    project,
    `${wrangler} deploy --dry-run --config wrangler.queue.toml 2>&1`,
  );
  expect(printed).toContain("--dry-run: exiting now.");
  expect(printed).not.toContain("WARNING");
});

test("wrangler dev runs the project's job, and the package's command talks to it", async () => {
  const [, url] = await startCommandUntil(
    project,
    `${wrangler} dev --var WEIR_ACCESS:open --port 0 --inspector-port 0 --ip 127.0.0.1`,
    /Ready on (http:\/\/127\.0\.0\.1:\d+)/,
  );
  const views = [0, 1_000, 61_000, 200_000].map((at) => JSON.stringify({ page: "/", at }));
  const live = await fetch(`${url}/jobs/views/output/live`);
  const posted = await fetch(`${url}/jobs/views/lines`, { method: "POST", body: views.join("\n") });
  expect(await posted.json()).toEqual({ accepted: 4, duplicate: false });
  const checkpoint = await fetch(`${url}/jobs/views/checkpoints`, { method: "POST" });
  expect(await checkpoint.json()).toMatchObject({ id: 1, status: "COMPLETED" });
  const events = await readUntil(live, "event: committed");
  const result =
    'event: result\ndata: {"output":"output","value":{"page":"/","minute":0,"views":2}}';
  expect(events.indexOf(result)).toBeLessThan(events.indexOf("event: committed"));
  expect(events).toContain(result);
  const output = await (await fetch(`${url}/jobs/views/output`)).text();
  const results = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { value: unknown });
  expect(results.map(({ value }) => value)).toEqual([
    { page: "/", minute: 0, views: 2 },
    { page: "/", minute: 60_000, views: 1 },
  ]);
  const listed = await runCommand(project, `npx weir --url ${url} --json jobs`);
  expect(JSON.parse(listed)).toMatchObject([{ name: "views", status: "RUNNING" }]);
});

/** What a stream says up to `end`; leaves it then. */
async function readUntil(response: Response, end: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes(end)) break;
  }
  return text;
}

/** The page's tests of operators, as files of the project. */
function writeTests(): readonly { readonly file: string; readonly text: string }[] {
  const tests = blocks.filter(({ text }) => text.includes("weir/testing"));
  return tests.map(({ text }, index) => {
    const file = `src/operator-${index}.test.ts`;
    writeFileSync(join(project, file), text);
    return { file, text };
  });
}

function exampleWith(word: string): string {
  return blocks.find(({ text }) => text.includes(word))!.text;
}
