/** The committed output of a job after a checkpoint, all pages of it, as somebody outside reads it. */
import type { WeirClient } from "../../../cli/weir-client.ts";

export interface OutputLine {
  readonly checkpoint: number;
  readonly output: string;
  readonly key: string | number;
  readonly value: unknown;
}

export async function readOutput(
  client: WeirClient,
  job: string,
  after: number,
): Promise<OutputLine[]> {
  const lines: OutputLine[] = [];
  let query = `after=${after}`;
  for (;;) {
    const response = await client.send(`/jobs/${job}/output?limit=100000&${query}`);
    for (const line of (await response.text()).split("\n")) {
      if (line !== "") lines.push(JSON.parse(line) as OutputLine);
    }
    const cursor = response.headers.get("Next-Cursor");
    if (cursor === null) return lines;
    query = `cursor=${encodeURIComponent(cursor)}`;
  }
}
