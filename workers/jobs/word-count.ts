/** Counts the words of the posted lines, letters of either case alike. */
import { job } from "../../dataflow/job.ts";

export const wordCount = job("wordcount")
  .lines()
  .flatMap((line) => line.toLowerCase().match(/\w+/g) ?? [])
  .keyBy((word) => word)
  .count("counts");
