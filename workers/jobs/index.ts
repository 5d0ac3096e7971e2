/** The jobs this Worker runs. Add yours here. */
import type { BuiltStream } from "../../dataflow/job.ts";
import { wordCount } from "./word-count.ts";

export const jobs: readonly BuiltStream[] = [wordCount];
