/** `weir manifest` and `weir sst` on a running server that wants a token, over its public interface alone. */
import { beforeAll, describe, expect, test } from "vitest";
import { show, showAll, verify } from "../../cli/inspect/manifest-command.ts";
import { openPlace } from "../../cli/inspect/place.ts";
import { sharedRuntime } from "../support/runtime.ts";
import { runWeir } from "../support/weir-command.ts";

const token = "for-this-test-alone";
const headers = { Authorization: `Bearer ${token}` };
const running = sharedRuntime({
  parameters: ["--checkpoint-interval", "0"],
  variables: { WEIR_TOKEN: token },
});

// More distinct words than travel inline; then one more, in a checkpoint that builds on the first one.
beforeAll(async () => {
  const words = Array.from({ length: 40_000 }, (_, index) => `word${index}`);
  await post("lines", "text/plain", words.join("\n"));
  await post("checkpoints?wait=60", "application/json", '{"checkpointType":"CONFIGURED"}');
  await post("lines", "text/plain", "another");
  await post("checkpoints?wait=60", "application/json", '{"checkpointType":"CONFIGURED"}');
});

describe("A checkpoint of a running job", () => {
  test("is shown and verified block by block", async () => {
    const place = await openPlace(running().url, { job: "wordcount", token });
    const [found] = await place.manifests();
    expect(await showAll(place)).toContain("confirmed");
    expect(await show(place, String(found!.id))).toContain(".sst");
    const { text, isSound } = await verify(place, undefined);
    expect(text).toMatch(/is sound: \d+ tables, .* every block read\./);
    expect(isSound).toBe(true);
    await expect(verify(place, "999")).rejects.toThrow("There is no checkpoint 999");
  });

  test("is verified and compared by the commands, with the token of --token or of WEIR_TOKEN", async () => {
    const { url } = running();
    const at = [`${url}/`, "--job", "wordcount"];
    const verified = await runWeir(["manifest", "verify", ...at, "--token", token]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(/Checkpoint 2 \(confirmed, .* is sound: \d+ tables/);
    const changed = await runWeir(["manifest", "diff", ...at, "1", "2"], { WEIR_TOKEN: token });
    expect(changed).toMatchObject({ code: 0, stderr: "" });
    expect(changed.stdout).toMatch(/added .*count/);
    expect(changed.stdout).not.toContain("removed");
    const refused = await runWeir(["manifest", "diff", ...at, "1", "2"]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(`GET ${url}/jobs/wordcount/checkpoints answered 401`);
  });

  test("has tables that weir sst dump reads by their URLs", async () => {
    const { url } = running();
    const place = await openPlace(url, { job: "wordcount", token });
    const [path] = /\S+\.sst/.exec(await show(place, "1"))!;
    const tableUrl = `${url}/jobs/wordcount/blobs/${path}`;
    const dumped = await runWeir(["--token", token, "sst", "dump", tableUrl, "--entries", "1"]);
    expect(dumped).toMatchObject({ code: 0, stderr: "" });
    expect(dumped.stdout).toContain("Table at offset 0, ");
    expect(dumped.stdout).toContain('"word');
    const absent = await runWeir(["sst", "dump", `${tableUrl}x`], { WEIR_TOKEN: token });
    expect(absent).toMatchObject({ code: 1, stdout: "" });
    expect(absent.stderr).toContain(`GET ${tableUrl}x answered 404`);
  });
});

async function post(path: string, type: string, body: string): Promise<void> {
  const url = new URL(`/jobs/wordcount/${path}`, running().url);
  const requestHeaders = { ...headers, "Content-Type": type };
  const answer = await fetch(url, { method: "POST", headers: requestHeaders, body });
  expect([path, answer.status, await answer.text()]).toEqual([path, 200, expect.anything()]);
}
