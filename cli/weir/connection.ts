/** The options every command shares, and the job it is about. */
import type { Command } from "commander";
import { WeirClient } from "../weir-client.ts";

export interface Connection {
  readonly client: WeirClient;
  /** Whether a program reads what is printed. */
  readonly isJson: boolean;
  /** The job named by --job, or the only one. Throws when there are several. */
  readonly job: () => Promise<string>;
}

interface SharedOptions {
  readonly url: string;
  readonly token?: string;
  readonly job?: string;
  readonly json?: boolean;
}

export function connectionOf(command: Command): Connection {
  const { url, token, job, json = false } = command.optsWithGlobals<SharedOptions>();
  const usedToken = token ?? process.env["WEIR_TOKEN"];
  const client = new WeirClient({ url, ...(usedToken && { token: usedToken }) });
  return { client, isJson: json, job: async () => job ?? (await onlyJob(client)) };
}

/** `/jobs/{job}` of the connection's job. */
export async function jobPath({ job }: Connection): Promise<string> {
  return `/jobs/${encodeURIComponent(await job())}`;
}

async function onlyJob(client: WeirClient): Promise<string> {
  const { jobs } = await client.json<{ jobs: readonly { readonly id: string }[] }>("/jobs");
  const [first] = jobs;
  if (first !== undefined && jobs.length === 1) return first.id;
  const names = jobs.map(({ id }) => id).join(", ");
  throw new Error(`Say which job with --job. This Weir has ${names === "" ? "none" : names}.`);
}
