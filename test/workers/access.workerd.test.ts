/** Who may call what, asked of the Worker itself with each set of tokens. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import worker from "../../workers/main.ts";

const tokens = { WEIR_TOKEN: "all", WEIR_INGEST_TOKEN: "ingest", WEIR_READ_TOKEN: "read" };

async function statusOf(
  call: string,
  token: string | undefined,
  variables: Partial<WeirBindings> = tokens,
): Promise<number> {
  const [method, path] = call.split(" ") as [string, string];
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const request = new Request(`http://weir.test${path}`, { method, headers });
  const bindings = { ...(env as unknown as WeirBindings), ...variables };
  return (await worker.fetch(request, bindings, createExecutionContext())).status;
}

// None of these reaches an object of a job: what is behind the door is not asked for here.
const ingest = "POST /jobs/nobody/lines";
const reading = "GET /jobs/nobody/state/counts/word";
const control = "POST /jobs/nobody/checkpoints";

describe("access", () => {
  test.each([ingest, reading, control])("%s needs a token", async (call) => {
    expect(await statusOf(call, undefined)).toBe(401);
    expect(await statusOf(call, "wrong")).toBe(401);
    expect(await statusOf(call, "")).toBe(401);
    expect(await statusOf(call, "all")).toBe(404);
  });

  test("narrow tokens allow what they are for and nothing else", async () => {
    expect(await statusOf(ingest, "ingest")).toBe(404);
    expect(await statusOf(reading, "ingest")).toBe(401);
    expect(await statusOf(control, "ingest")).toBe(401);
    expect(await statusOf(reading, "read")).toBe(404);
    expect(await statusOf(ingest, "read")).toBe(401);
    expect(await statusOf(control, "read")).toBe(401);
  });

  test("a Worker without any token refuses everything but its health and its page", async () => {
    const none = { WEIR_TOKEN: "", WEIR_INGEST_TOKEN: "", WEIR_READ_TOKEN: "" };
    expect(await statusOf(reading, "all", none)).toBe(503);
    expect(await statusOf("GET /openapi.json", undefined, none)).toBe(503);
    expect(await statusOf("GET /healthz", undefined, none)).toBe(200);
    expect(await statusOf("GET /", undefined, none)).toBe(200);
  });

  test("a local run is open unless it has a token", async () => {
    expect(await statusOf(reading, undefined, { WEIR_ACCESS: "open" })).toBe(404);
  });
});
