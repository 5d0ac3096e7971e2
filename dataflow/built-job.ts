/** A job that can be deployed: what the last operator of a stream answers. */
import { describeJobGraph } from "./describe.ts";
import type { JobDescription } from "./describe.ts";
import type { JobGraph } from "./job-graph.ts";
import type { JobSketch } from "./job-sketch.ts";

/** Anything that can be deployed as a job. Everything written on the same job() is part of it. */
export interface BuiltStream {
  readonly graph: JobGraph;
  /** The graph as plain JSON data, to be drawn or compared; formatJobDescription makes text of it. */
  describe(): JobDescription;
}

export class BuiltJob implements BuiltStream {
  readonly sketch: JobSketch;

  constructor(sketch: JobSketch) {
    this.sketch = sketch;
  }

  get graph(): JobGraph {
    return this.sketch.graph();
  }

  describe(): JobDescription {
    return describeJobGraph(this.graph);
  }
}
