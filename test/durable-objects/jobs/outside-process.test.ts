/** Poison records and asynchronous functions on workerd, through HTTP: fetch, bindings, timeouts, dead letters. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { LocalRuntime } from "../../../cli/local-runtime.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { temporaryDirectory } from "../../support/runtime.ts";

const outsideWorker = new URL("../../workerd/outside-worker.ts", import.meta.url);

interface ResultLine {
  readonly output: string;
  readonly value: unknown;
}

async function outputOf(client: WeirClient): Promise<readonly ResultLine[]> {
  const response = await client.send("/jobs/enriched/output", {});
  const text = await response.text();
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as ResultLine]));
}

it("[AS5] [DL3] results of fetch are committed, and lines and records that fail are dead letters", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = request.url!.slice(1);
    asked.push(name);
    if (name === "silent") return;
    response.statusCode = name === "missing" ? 404 : 200;
    response.end(`${name} has a name`);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const runtime = await LocalRuntime.start({
    port: 0,
    directory: temporaryDirectory(),
    variables: { WEIR_ACCESS: "open", OUTSIDE: `http://127.0.0.1:${port}` },
    module: outsideWorker,
  });
  try {
    const client = new WeirClient({ url: runtime.url });
    const body = ["a", "b", "poison", "missing", "silent", "c"].join("\n");
    await client.send("/jobs/enriched/lines", { method: "POST", body });
    await expect
      .poll(
        async () => {
          await client.send("/jobs/enriched/checkpoints", { method: "POST" });
          return (await outputOf(client)).length;
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(6);
    const lines = await outputOf(client);
    const values = lines.flatMap(({ output, value }) => (output === "output" ? [value] : []));
    expect(values.map(String).sort((left, right) => left.localeCompare(right))).toEqual([
      "a has a name",
      "b has a name",
      "c has a name",
    ]);
    const letters = lines.flatMap(({ output, value }) => (output === "failed" ? [value] : []));
    expect(letters).toHaveLength(3);
    expect(letters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          source: 0,
          line: 2,
          text: "poison",
          operator: 'map "checkLine"',
        }),
        expect.objectContaining({ record: "missing", key: '"missing"', attempts: 2 }),
        expect.objectContaining({ record: "silent", operator: 'mapAsync "names"', attempts: 2 }),
      ]),
    );
    expect(asked.filter((name) => name === "a").length).toBeGreaterThan(0);
    const exceptions = await client.send("/jobs/enriched/exceptions", {});
    const message =
      'This line cannot be processed. The map "checkLine" of job "enriched" failed at line 2 of source 0.';
    expect(await exceptions.json()).toMatchObject({
      exceptionHistory: {
        entries: [
          { message, offset: 2, operator: 'map "checkLine"', deadLetter: true },
          { message, offset: 2, deadLetter: false },
        ],
      },
    });
  } finally {
    await runtime.stop();
    server.closeAllConnections();
    server.close();
  }
});
