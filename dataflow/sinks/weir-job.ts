/**
 * Results as lines of another job of Weir, exactly once from end to end: the sink is a producer with a
 * counter of its own, which the other job's log keeps together with the lines [11, 19].
 *
 * Each record becomes one line of JSON: read them there with json(), or parse them.
 */
import { checkBinding, checkSinkName, checkUrl } from "./check-options.ts";
import type { SinkUrl, WeirJobDefinition } from "./sink-definition.ts";

export interface WeirJobOptions {
  /** Names the sink among the outputs of the job, and in its Producer-Id. */
  readonly name: string;
  /** The job that takes the lines. */
  readonly job: string;
  /**
   * Where its Worker is, such as "https://weir.example.com"; `{ secret: "WEIR_URL" }` takes it from that
   * secret or variable. Absent: the same Worker, without HTTP.
   */
  readonly url?: SinkUrl;
  /** Binding of the secret with the token that Worker asks for. */
  readonly token?: string;
  /**
   * Another value begins a new Producer-Id, for a job at the other end that has forgotten the old one
   * (it was made anew, or could not be reached for 7 days): the request under way may then be repeated.
   */
  readonly producer?: string;
}

/** One segment of a log. */
const maxBytes = 1024 * 1024;

/** Throws RangeError for an option that is not allowed. */
export function weirJob(options: WeirJobOptions): WeirJobDefinition {
  const { job, name, producer = "", token, url } = options;
  checkSinkName(name);
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(job)) {
    throw new RangeError(
      `Sink "${name}" feeds the job "${job}", which cannot be the name of a job.`,
    );
  }
  if (token !== undefined && url === undefined) {
    throw new RangeError(
      `Sink "${name}" has a token and no url: a job of the same Worker is reached without one.`,
    );
  }
  const target = {
    job,
    producer,
    ...(url !== undefined && { url: checkUrl(name, url) }),
    ...(token !== undefined && { token: checkBinding(name, "token", token) }),
  };
  return { kind: "weirJob", name, target, layout: { maxRecords: 100_000, maxBytes } };
}
