/**
 * The real thing in a process of its own: what `npm start` runs, on a free port.
 *
 *   const runtime = await TestRuntime.start({ directory });
 *   await runtime.kill();                       // as a power cut would end it
 *   const next = await TestRuntime.start({ directory });
 *
 * A runtime still running when its test finishes is killed. Starting takes seconds on a busy machine:
 * tests that do not mind each other's lines share one, from sharedRuntime() at the top of a file.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, onTestFinished } from "vitest";

export interface TestRuntimeOptions {
  readonly directory: string;
  /** Further arguments of `npm start --`. */
  readonly parameters?: readonly string[];
  /** Environment of the process, such as WEIR_PARALLELISM. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Called with what ends the runtime and removes its traces; default: when the test finishes. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

/** Call at the top of a file; the answer gives the runtime to each test. */
export function sharedRuntime(
  options: Omit<TestRuntimeOptions, "directory" | "atEnd"> = {},
): () => TestRuntime {
  const ends: (() => Promise<void>)[] = [];
  let runtime: TestRuntime | undefined;
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-test-"));
    ends.push(async () => removeDirectory(directory));
    runtime = await TestRuntime.start({
      ...options,
      directory,
      atEnd: (end) => void ends.push(end),
    });
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return () => runtime!;
}

/** An empty directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-test-"));
  onTestFinished(() => removeDirectory(directory));
  return directory;
}

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}

export class TestRuntime {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.url = url;
  }

  static async start(options: TestRuntimeOptions): Promise<TestRuntime> {
    const script = fileURLToPath(new URL("../../cli/start.ts", import.meta.url));
    const { directory, parameters = [], variables = {}, atEnd = onTestFinished } = options;
    const child = spawn(
      process.execPath,
      [script, "--port", "0", "--persist", directory, ...parameters],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...variables } },
    );
    const runtime = new TestRuntime(child, await urlOf(child));
    atEnd(() => runtime.kill());
    return runtime;
  }

  fetch(path: string, request?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, request);
  }

  /** Kills the process without notice, and resolves once nothing listens on its port any more. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
    const port = Number(new URL(this.url).port);
    while (await isListening(port)) {
      // Each attempt to connect takes its own time; workerd dies a moment after its parent.
    }
  }

  /** Asks the process to end, and answers its exit code. */
  async stop(): Promise<number | null> {
    return await this.#end("SIGTERM");
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill(signal);
      await exit;
    }
    return child.exitCode;
  }
}

/** Resolves with what the ready line names; rejects with everything printed when the process ends before. */
async function urlOf(child: ChildProcess): Promise<string> {
  const printed: string[] = [];
  child.stderr!.on("data", (bytes: Buffer) => printed.push(bytes.toString()));
  const lines = createInterface({ input: child.stdout! });
  return await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      printed.push(line);
      const url = /^Weir is ready at (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once("exit", () =>
      reject(new Error(`The runtime ended before it was ready:\n${printed.join("\n")}`)),
    );
  });
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
