/**
 * The stream on which jobs are checked against the batch queries. Against the published defaults it is spread
 * over 400 s of event time (so that there are dozens of windows and sessions that end), crosses midnight (so that
 * daily queries have two days), and is out of order by groups as well as by delays, within the published 4 s.
 */
import type { GeneratorOptions } from "./generator/generator-options.ts";

export const verificationWorkload: Partial<GeneratorOptions> = {
  eventCount: 200_000,
  eventsPerSecond: 500,
  baseTimeMs: Date.UTC(2015, 6, 14, 23, 57),
  outOfOrderGroupSize: 100,
};

/** How far the published queries let watermarks trail behind the latest event time. */
export const PUBLISHED_WATERMARK_DELAY_MS = 4000;
