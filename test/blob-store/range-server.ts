/**
 * A small HTTP server on loopback in front of a BlobStore: ranges as RFC 9110 has them, or ignored, or
 * answered wrongly. Closed when the test finishes.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";

/** What the server does with a request for a range. */
export type RangeConduct = "correct" | "ignores ranges" | "answers another range" | "cuts bodies";

export interface RangeServer {
  /** With the last slash. */
  readonly baseUrl: string;
  /** Requests so far, as "GET path" or "GET path bytes=0-9". */
  readonly requests: readonly string[];
}

export async function startRangeServer(
  blobStore: BlobStore,
  conduct: RangeConduct = "correct",
): Promise<RangeServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").slice("/blobs/".length);
    const { range } = request.headers;
    requests.push([request.method, path, range].filter((part) => part !== undefined).join(" "));
    if (request.headers.authorization !== "Bearer reader") response.writeHead(401).end();
    else void blobStore.get(path).then((bytes) => answer(response, bytes, range, conduct));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}/blobs/`, requests };
}

function answer(
  response: ServerResponse,
  bytes: Uint8Array | undefined,
  range: string | undefined,
  conduct: RangeConduct,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (bytes === undefined) response.writeHead(404).end();
  else if (from === undefined || conduct === "ignores ranges") response.end(bytes);
  else if (Number(from) >= bytes.length) {
    response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` }).end();
  } else {
    const first = Number(from) + (conduct === "answers another range" ? 1 : 0);
    const last = Math.min(Number(to), bytes.length - 1);
    const size = last - first + 1;
    response.writeHead(206, { "Content-Range": `bytes ${first}-${last}/${bytes.length}` });
    response.end(bytes.subarray(first, first + size - (conduct === "cuts bodies" ? 1 : 0)));
  }
}
