/**
 * The `weir` command: runs Weir here, and talks to one that runs anywhere over its public HTTP
 * interface. `--json` prints what the server answered, for programs.
 *
 * Ends with exit code 1 and one sentence when something is wrong.
 */
import { existsSync } from "node:fs";
import { Command } from "commander";
import pc from "picocolors";
import { mainModule } from "./main-module.ts";
import { manifestCommand } from "./inspect/manifest-command.ts";
import { sstCommand } from "./inspect/sst-command.ts";
import { startCommand } from "./start-command.ts";
import { addCheckpointCommands } from "./weir/checkpoints.ts";
import { addJobCommands } from "./weir/jobs.ts";
import { addPostCommand } from "./weir/post.ts";
import { addStateCommands } from "./weir/state.ts";
import { explain } from "./weir/explain.ts";

const program = new Command("weir")
  .description("A stateful stream processor on Cloudflare Workers, Durable Objects and R2.")
  .option("--url <url>", "where Weir runs", process.env["WEIR_URL"] ?? "http://127.0.0.1:8787")
  .option("--token <token>", "access token; default: the variable WEIR_TOKEN")
  .option("--job <name>", "which job; default: the only one there is")
  .option("--json", "print the server's answers as JSON")
  .addCommand(sstCommand())
  .addCommand(manifestCommand());

// Runs the jobs of this repository; a project with jobs of its own has `wrangler dev`.
if (existsSync(mainModule)) program.addCommand(startCommand("dev"));
addPostCommand(program);
addJobCommands(program);
addStateCommands(program);
addCheckpointCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`${pc.red("weir:")} ${explain(error, program.opts<{ url: string }>().url)}`);
  process.exitCode = 1;
}
