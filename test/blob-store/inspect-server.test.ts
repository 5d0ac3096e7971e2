/** `weir manifest` on a running server, over its public interface alone. */
import { expect, test } from "vitest";
import { show, showAll, verify } from "../../cli/inspect/manifest-command.ts";
import { openPlace } from "../../cli/inspect/place.ts";
import { sharedRuntime } from "../support/runtime.ts";

const running = sharedRuntime({ parameters: ["--checkpoint-interval", "0"] });

test("a checkpoint of a running job is shown and verified block by block", async () => {
  const { url } = running();
  // More distinct words than travel inline.
  const words = Array.from({ length: 40_000 }, (_, index) => `word${index}`);
  const posted = await fetch(new URL("/jobs/wordcount/lines", url), {
    method: "POST",
    body: words.join("\n"),
  });
  expect(posted.status).toBe(200);
  const triggered = await fetch(new URL("/jobs/wordcount/checkpoints?wait=60", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ checkpointType: "CONFIGURED" }),
  });
  expect(triggered.ok).toBe(true);
  const place = await openPlace(url, { job: "wordcount" });
  const [found] = await place.manifests();
  expect(await showAll(place)).toContain("confirmed");
  expect(await show(place, String(found!.id))).toContain(".sst");
  const { text, isSound } = await verify(place, undefined);
  expect(text).toMatch(/is sound: \d+ tables, .* every block read\./);
  expect(isSound).toBe(true);
  await expect(verify(place, "999")).rejects.toThrow("There is no checkpoint 999");
});
