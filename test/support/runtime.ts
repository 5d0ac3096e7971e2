/**
 * The whole runtime for tests: what `npm start` runs, in a process of its own, on a free port.
 *
 *   const runtime = await startRuntime({ directory });
 *   await runtime.kill();                       // as a power cut would end it
 *   const next = await startRuntime({ directory });
 *
 * A runtime still running when its test finishes is killed. Starting takes seconds on a busy machine:
 * tests that do not mind each other's lines share one, from sharedRuntime() at the top of a file.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { RuntimeProcess, type RuntimeProcessOptions } from "../../cli/runtime-process.ts";

/** Killed when the test that started it finishes. */
export async function startRuntime(options: RuntimeProcessOptions): Promise<RuntimeProcess> {
  const runtime = await RuntimeProcess.start(options);
  onTestFinished(() => runtime.kill());
  return runtime;
}

/** Call at the top of a file; the answer gives the runtime to each test. */
export function sharedRuntime(
  options: Omit<RuntimeProcessOptions, "directory"> = {},
): () => RuntimeProcess {
  let directory: string | undefined;
  let runtime: RuntimeProcess | undefined;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "weir-test-"));
    runtime = await RuntimeProcess.start({ ...options, directory });
  });
  afterAll(async () => {
    await runtime?.kill();
    if (directory !== undefined) removeDirectory(directory);
  });
  return () => runtime!;
}

/**
 * An empty directory that is gone after the test. A test that runs beside others of its file gives the
 * `onTestFinished` of its own context: the global one means whichever of them began last.
 */
export function temporaryDirectory(whenFinished: typeof onTestFinished = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-test-"));
  whenFinished(() => removeDirectory(directory));
  return directory;
}

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}
