/** A job of two keyed vertices on workerd: exact in both, also after every object has lost its memory. */
import { expect, it } from "vitest";
import { LocalRuntime } from "../../../../cli/local-runtime.ts";
import { WeirClient } from "../../../../cli/weir-client.ts";
import { temporaryDirectory } from "../../../support/runtime.ts";

const regionWorker = new URL("../../../workerd/region-worker.ts", import.meta.url);

async function withRuntime(
  directory: string,
  body: (client: WeirClient) => Promise<void>,
): Promise<void> {
  const runtime = await LocalRuntime.start({
    port: 0,
    directory,
    variables: { WEIR_ACCESS: "open" },
    module: regionWorker,
  });
  try {
    await body(new WeirClient({ url: runtime.url }));
  } finally {
    await runtime.stop();
  }
}

/** Line i of `from` to `to`: a word of its own, one of 50 and one of 7. */
function lines(from: number, to: number): string {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  return numbers.map((number) => `own${number} w${number % 50} x${number % 7}`).join("\n");
}

function groupsOf(text: string): Record<string, number> {
  const words = Map.groupBy(text.split(/\s/), (word) => word);
  const groups = Map.groupBy(words.values(), ({ length }) => length);
  return Object.fromEntries([...groups].map(([count, members]) => [count, members.length]));
}

async function post(client: WeirClient, body: string): Promise<void> {
  await client.send("/jobs/region/lines", { method: "POST", body });
}

it("counts words and how many occur how often, before and after all memory is lost between checkpoints", async () => {
  const directory = temporaryDirectory();
  await withRuntime(directory, async (client) => {
    await post(client, lines(0, 3_000));
    await client.send("/jobs/region/checkpoints", { method: "POST" });
    await post(client, lines(3_000, 5_000));
  });
  await withRuntime(directory, async (client) => {
    await client.send("/jobs/region/checkpoints", { method: "POST" });
    const groups: Record<string, unknown> = {};
    for await (const { key, value } of client.scan("region", "groups", {})) {
      groups[String(key)] = value;
    }
    expect(groups).toEqual(groupsOf(lines(0, 5_000)));
  });
});
