/** State that is not one value per key, over HTTP on workerd: live, at a checkpoint, and a page at a time. */
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { WeirClient } from "../../cli/weir-client.ts";
import { LocalRuntime } from "../../cli/local-runtime.ts";
import { runCommand } from "../support/child-command.ts";
import { temporaryDirectory } from "../support/runtime.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const state = "/jobs/page-views/state";

test("[RD4] [RD7] windows are read by key, scanned and paged over HTTP and by the command, live and at a checkpoint", async () => {
  const runtime = await LocalRuntime.start({
    port: 0,
    directory: temporaryDirectory(),
    module: new URL("../workerd/page-views-worker.ts", import.meta.url),
    variables: { WEIR_ACCESS: "open", WEIR_CHECKPOINT_INTERVAL_MS: "0" },
  });
  onTestFinished(() => runtime.stop());
  const client = new WeirClient({ url: runtime.url });
  const views = [10_000, 20_000, 61_000].map((at) => ({ page: "home", user: "ann", at }));
  await fetch(`${runtime.url}/jobs/page-views/lines`, {
    method: "POST",
    body: views.map((view) => `${JSON.stringify(view)}\n`).join(""),
  });
  await client.postJson("/jobs/page-views/checkpoints");
  const windows = [
    { window: { start: 0, end: 60_000 }, value: 2 },
    { window: { start: 60_000, end: 120_000 }, value: 1 },
  ];
  expect(await client.json(state)).toMatchObject({
    states: [
      { name: "views-per-minute", kind: "window", key_type: "string", schema: { kind: "value" } },
      { name: "views-per-minute-trigger", kind: "window" },
    ],
  });
  for (const at of ["", "checkpoint=1"]) {
    expect(await client.json(`${state}/views-per-minute/home?${at}`)).toEqual({
      key: "home",
      value: windows,
    });
    const first = await fetch(`${runtime.url}${state}/views-per-minute/home?limit=1&${at}`);
    expect(JSON.parse(await first.text())).toEqual({ key: "home", ...windows[0] });
    const cursor = first.headers.get("Next-Cursor");
    const page = await fetch(`${runtime.url}${state}/views-per-minute?cursor=${cursor}&${at}`);
    expect(JSON.parse(await page.text())).toEqual({ key: "home", ...windows[1] });
    expect(page.headers.get("Next-Cursor")).toBeNull();
  }
  const weir = async (command: string) =>
    await runCommand(
      root,
      `"${process.execPath}" cli/weir.ts --url ${runtime.url} ${command} 2>&1`,
    );
  const part = await weir("--json state get views-per-minute home --limit 1");
  const [entry, hint] = part.trim().split("\n");
  expect(JSON.parse(entry!)).toEqual({ key: "home", ...windows[0] });
  const cursor = /^There is more: go on with --cursor (\S+)$/.exec(hint!)![1];
  const rest = await weir(`state get views-per-minute home --limit 5 --cursor ${cursor}`);
  expect(rest).toContain("home [1970-01-01T00:01:00.000Z to 1970-01-01T00:02:00.000Z] │     1");
  expect(rest).not.toContain("There is more");
  const absent = await fetch(`${runtime.url}${state}/views-per-minute/absent`);
  expect(absent.status).toBe(404);
});
