/**
 * A Weir server behind the test server of the browser, below /weir-server/, so that a page reaches it as the
 * dashboard does: from its own origin. Started at the first request, with one checkpoint of 40,000 words.
 *
 * A plugin of Vite; requests and answers pass through as they are.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeProcess } from "../../cli/runtime-process.ts";
import { WEIR_SERVER_PATH, WEIR_SERVER_TOKEN, WEIR_SERVER_WORDS } from "./weir-server-facts.ts";

/** What is used of Vite's plugins and servers. */
interface WeirServerPlugin {
  readonly name: string;
  configureServer(server: {
    readonly middlewares: {
      use(
        path: string,
        handler: (request: IncomingMessage, response: ServerResponse) => void,
      ): void;
    };
  }): void;
  buildEnd(): Promise<void>;
}

export function weirServer(): WeirServerPlugin {
  let started: Promise<RuntimeProcess> | undefined;
  const directory = mkdtempSync(join(tmpdir(), "weir-browser-"));
  return {
    name: "weir-server",
    configureServer({ middlewares }) {
      middlewares.use(WEIR_SERVER_PATH, (request, response) => {
        started ??= startWithCheckpoint(directory);
        started
          .then((runtime) => passOn(runtime.url, request, response))
          .catch((error: unknown) => response.writeHead(502).end(String(error)));
      });
    },
    async buildEnd() {
      // One that did not start was reported to whoever asked for it.
      const runtime = await started?.catch(() => undefined);
      await runtime?.kill();
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function startWithCheckpoint(directory: string): Promise<RuntimeProcess> {
  const variables = { WEIR_TOKEN: WEIR_SERVER_TOKEN };
  const parameters = ["--checkpoint-interval", "0"];
  const runtime = await RuntimeProcess.start({ directory, parameters, variables });
  try {
    const words = Array.from({ length: WEIR_SERVER_WORDS }, (_, index) => `word${index}`);
    await post(runtime, "lines", "text/plain", words.join("\n"));
    await post(runtime, "checkpoints?wait=60", "application/json", "{}");
    return runtime;
  } catch (error) {
    await runtime.kill();
    throw error;
  }
}

async function post(
  runtime: RuntimeProcess,
  path: string,
  type: string,
  body: string,
): Promise<void> {
  const headers = { Authorization: `Bearer ${WEIR_SERVER_TOKEN}`, "Content-Type": type };
  const answer = await runtime.fetch(`/jobs/wordcount/${path}`, { method: "POST", headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}: ${text}`);
}

async function passOn(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { range, authorization } = request.headers;
  const answer = await fetch(`${url}${request.url}`, {
    method: request.method ?? "GET",
    headers: {
      ...(range !== undefined && { Range: range }),
      ...(authorization !== undefined && { Authorization: authorization }),
    },
  });
  // What fetch has undone, and what is of that connection.
  const passed = new Headers(answer.headers);
  for (const name of ["Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive"]) {
    passed.delete(name);
  }
  const body = new Uint8Array(await answer.arrayBuffer());
  if (request.method !== "HEAD") passed.set("Content-Length", String(body.length));
  response.writeHead(answer.status, Object.fromEntries(passed));
  response.end(body);
}
