/**
 * `npm run demo [FILE]`: the story of Weir in one minute, on a real runtime with its state in a
 * temporary directory. Four producers post a text; half way the runtime is killed and started again;
 * at the end every count is compared with an independent one.
 *
 * Ends with exit code 1 when a count differs. Nothing shown is made up: every figure is asked of the
 * running job.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { demoText } from "./demo/demo-text.ts";
import { Screen } from "./demo/screen.ts";
import { Story } from "./demo/story.ts";

const MEGABYTES = 60;

const program = new Command("npm run demo --")
  .description("Shows in one minute what Weir does, and checks that it did it.")
  .argument("[file]", "a UTF-8 text to count; default: a text of the npm package nlp-corpus")
  .option("--megabytes <number>", "how much to post, repeating the text", Number, MEGABYTES)
  .parse();

const [file] = program.args;
const { megabytes } = program.opts<{ megabytes: number }>();
const directory = await mkdtemp(join(tmpdir(), "weir-demo-"));
try {
  const text = await demoText(file, megabytes * 1_000_000);
  const screen = new Screen(text.bytes * text.rounds);
  const story = new Story({ text, screen, directory });
  const isExact = await story.tell();
  process.exitCode = isExact ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
}
