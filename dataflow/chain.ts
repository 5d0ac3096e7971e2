/**
 * Compiles the stateless operators between the log and the channels into one function per line: a
 * chain of closures, each calling the next. No generators, no object per record.
 *
 * Promise: records leave in the order the operators define; a throw of a user function passes through.
 */
import type { Transform } from "./job-graph.ts";

/** Takes one record. */
export type Push = (record: unknown) => void;

/** A function that runs `transforms` on a record and hands every resulting record to `output`. */
export function compileChain(transforms: readonly Transform[], output: Push): Push {
  let next = output;
  for (const transform of transforms.toReversed()) {
    next = compileTransform(transform, next);
  }
  return next;
}

function compileTransform(transform: Transform, next: Push): Push {
  switch (transform.kind) {
    case "map": {
      const { apply } = transform;
      return (record) => next(apply(record));
    }
    case "filter": {
      const { apply } = transform;
      return (record) => {
        if (apply(record)) next(record);
      };
    }
    case "flatMap": {
      const { apply } = transform;
      return (record) => {
        const records = apply(record);
        if (Array.isArray(records)) {
          for (let index = 0; index < records.length; index++) next(records[index]);
        } else {
          for (const each of records) next(each);
        }
      };
    }
  }
}
