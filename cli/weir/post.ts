/**
 * `weir post`: the lines of a file, or of standard input, in requests of about 1 MB. Each request has a
 * sequence of a producer of its own, so that one that was not answered is sent again and counts once.
 */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import { formatBytes, formatCount, formatDuration } from "../output/format.ts";
import type { WeirClient } from "../weir-client.ts";
import { connectionOf, jobPath } from "./connection.ts";

const BODY_BYTES = 1_000_000;
const ATTEMPTS = 5;
const RETRY_DELAY_MS = 500;

export function addPostCommand(program: Command): void {
  program
    .command("post")
    .description("posts the lines of a file")
    .argument("<file>", "UTF-8 text; - for standard input")
    .option("--producer <id>", "go on as this producer; its first request has sequence --sequence")
    .option("--sequence <number>", "sequence of the first request", Number, 0)
    .action(async (file: string, options: PostOptions, command: Command) => {
      const connection = connectionOf(command);
      const { client, isJson } = connection;
      const path = `${await jobPath(connection)}/lines`;
      const posted = await post(client, path, file, options);
      if (isJson) return console.log(JSON.stringify(posted));
      console.log(
        `${formatCount(posted.accepted)} lines (${formatBytes(posted.bytes)}) are durable after ` +
          `${formatDuration(posted.durationMs)}.`,
      );
    });
}

interface PostOptions {
  readonly producer?: string;
  readonly sequence: number;
}

async function post(client: WeirClient, path: string, file: string, options: PostOptions) {
  const began = performance.now();
  const producer = options.producer ?? `weir-${randomUUID()}`;
  let sequence = options.sequence;
  let accepted = 0;
  let bytes = 0;
  const stream = file === "-" ? process.stdin : createReadStream(file);
  for await (const body of bodiesOf(stream as AsyncIterable<Uint8Array>)) {
    const headers = { "Producer-Id": producer, "Producer-Sequence": String(sequence++) };
    accepted += await postBody(client, path, { method: "POST", body, headers });
    bytes += body.length;
  }
  return { accepted, bytes, requests: sequence - options.sequence, durationMs: elapsed(began) };
}

function elapsed(began: number): number {
  return Math.round(performance.now() - began);
}

/** A connection that broke leaves the outcome open; the sequence makes another attempt harmless. */
async function postBody(client: WeirClient, path: string, request: RequestInit): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await client.json<{ accepted: number }>(path, request)).accepted;
    } catch (error) {
      if (!(error instanceof TypeError) || attempt === ATTEMPTS) throw error;
      await wait(RETRY_DELAY_MS * attempt);
    }
  }
}

/** Whole lines; a line longer than a body goes alone. */
async function* bodiesOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    heldBytes += chunk.length;
    const lineEnd = heldBytes < BODY_BYTES ? -1 : chunk.lastIndexOf(10);
    if (lineEnd < 0) continue;
    const rest = chunk.subarray(lineEnd + 1);
    yield new Uint8Array(Buffer.concat(held).subarray(0, heldBytes - rest.length));
    held = [rest];
    heldBytes = rest.length;
  }
  if (heldBytes > 0) yield new Uint8Array(Buffer.concat(held));
}
