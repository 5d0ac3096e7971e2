/** Sinks as a job is written with them: what is refused, what its description shows, where files go. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { job } from "../../dataflow/job.ts";
import { parsePathTemplate } from "../../dataflow/sinks/path-template.ts";
import { queue } from "../../dataflow/sinks/queue.ts";
import { r2Files } from "../../dataflow/sinks/r2-files.ts";
import { webhook } from "../../dataflow/sinks/webhook.ts";
import { weirJob } from "../../dataflow/sinks/weir-job.ts";

const hook = { name: "hook", url: "https://example.com/hook", signingSecret: "SIGNING" };
const committedAt = Date.UTC(2026, 10, 23, 7, 30);

it("the description of a job shows its sinks, and no secret", () => {
  const words = job("words")
    .lines()
    .keyBy((word) => word);
  const built = words
    .count("counts")
    .sinkTo(webhook(hook))
    .sinkTo(queue({ name: "q", binding: "Q" }));
  const { edges, nodes } = built.describe();
  expect(nodes.filter(({ kind }) => kind === "output")).toMatchObject([
    {
      id: "hook()",
      operators: ["sinkTo"],
      sink: { kind: "webhook", target: { url: hook.url, signingSecret: "SIGNING" } },
    },
    { id: "q()", sink: { kind: "queue", target: { queue: "Q" } } },
  ]);
  expect(edges).toContainEqual({ from: "counts", to: "hook()", partitioning: "forward" });
});

it("a stream without a keyed operator and a side output can end in a sink", () => {
  const lines = job("words").lines();
  const built = lines
    .map((line) => line.length)
    .sinkTo(r2Files({ name: "files", path: "lengths/" }));
  expect(built.describe().nodes.map(({ id }) => id)).toEqual(["lines()", "files", "files()"]);
});

it("two outputs cannot have one name, and a job cannot feed itself", () => {
  const lines = job("words").lines();
  lines.output("hook");
  expect(() => lines.sinkTo(webhook(hook))).toThrow(/"hook"/);
  expect(() => lines.sinkTo(weirJob({ name: "loop", job: "words" }))).toThrow(
    "feeds the job itself",
  );
});

it.each([
  ["a name for keys", () => queue({ name: "My queue", binding: "Q" }), "beginning with a letter"],
  ["a name of a binding", () => queue({ name: "q", binding: "no-binding" }), "name of a binding"],
  ["a whole address", () => webhook({ ...hook, url: "example.com" }), "http or https address"],
  [
    "no password in it",
    () => webhook({ ...hook, url: "https://a:b@c.de/" }),
    "without user and password",
  ],
  ["limits within range", () => webhook({ ...hook, maxRecords: 0 }), "from 1 to 100000"],
  [
    "no token without url",
    () => weirJob({ name: "j", job: "other", token: "T" }),
    "a token and no url",
  ],
  [
    "a path with a slash",
    () => r2Files({ name: "f", path: "events" }),
    "segments that each end with",
  ],
  [
    "a fixed first segment",
    () => r2Files({ name: "f", path: "{kind}/" }),
    "the first segment without",
  ],
  ["a place below its own", () => r2Files({ name: "f", path: "events/../{kind}/" }), "segments"],
])("a sink needs %s", (_what, build, message) => {
  expect(build).toThrow(RangeError);
  expect(build).toThrow(message);
});

describe("path templates", () => {
  const render = (template: string, record: unknown) =>
    parsePathTemplate("files", template).render(record, committedAt);

  it.each([
    ["events/", {}, "events/"],
    ["events/{date}/{hour}/", {}, "events/2026-11-23/07/"],
    ["events/{date:at}/{hour:at}/", { at: Date.UTC(2020, 0, 2, 3) }, "events/2020-01-02/03/"],
    ["events/day={date:at}/", { at: "2020-01-02T23:30:00-02:00" }, "events/day=2020-01-03/"],
    ["events/{kind}/{customer.country}/", { kind: 7, customer: { country: "pt" } }, "events/7/pt/"],
    ["events/{kind}/", { kind: "a/b ..é" }, "events/a%2Fb%20..%C3%A9/"],
    ["events/{kind}/", { kind: ".." }, "events/%2E%2E/"],
    ["events/{kind}/{toString}/", { kind: null }, "events/_none/_none/"],
    ["events/{date:at}/", { at: "never" }, "events/_none/"],
    ["events/{key}-{value}/", { key: "a", value: true }, "events/a-true/"],
  ])("%s of %j is %s", (template, record, directory) => {
    expect(render(template, record)).toBe(directory);
  });

  it("any record gives a directory of whole segments of safe characters, short enough for a key", () => {
    const template = "events/{a}/{b}{c}/{date:a}/{hour:b}/{a}/";
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.string({ unit: "binary" }), (a, b, c) => {
        const directory = render(template, { a, b, c });
        expect(directory).toMatch(/^(?:[A-Za-z0-9._%-]+\/)+$/);
        expect(directory.split("/")).not.toContain("..");
        expect(directory.length).toBeLessThan(900);
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});
