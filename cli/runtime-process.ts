/**
 * The whole runtime in a process of its own, as `npm start` runs it, for whoever has to kill it: the
 * demonstration, the benchmarks, the tests.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface RuntimeProcessOptions {
  /** Where state is kept. */
  readonly directory: string;
  /** Further arguments of `npm start --`. */
  readonly parameters?: readonly string[];
  /** Another script with the arguments and the first line of `npm start`. */
  readonly script?: URL;
  /** Added to the environment of the process, such as WEIR_PARALLELISM. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Hears each line of standard output. */
  readonly printed?: (line: string) => void;
}

export class RuntimeProcess {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.url = url;
  }

  /** Resolves once requests are served, on a free port; rejects with what was printed when the process ends before. */
  static async start(options: RuntimeProcessOptions): Promise<RuntimeProcess> {
    const { directory, parameters = [], variables = {} } = options;
    const script = fileURLToPath(options.script ?? new URL("start.ts", import.meta.url));
    const child = spawn(
      process.execPath,
      [script, "--port", "0", "--persist", directory, ...parameters],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...variables } },
    );
    return new RuntimeProcess(child, await urlOf(child, options.printed));
  }

  /** The process that was started; workerd is a child of it. */
  get pid(): number {
    return this.#process.pid!;
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

async function urlOf(
  child: ChildProcess,
  heard: (line: string) => void = () => {},
): Promise<string> {
  const printed: string[] = [];
  child.stderr!.on("data", (bytes: Buffer) => printed.push(bytes.toString()));
  const lines = createInterface({ input: child.stdout! });
  return await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      heard(line);
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
