/** Rule 31: what the objects of one isolate hold in memory stays within what there is for all of them. */
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { job } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { SharedMemoryPool, StateEngine, type StateRead } from "../../../state-engine/index.ts";
import type { MemoryMember } from "../../../state-engine/environment.ts";
import { BlockCache } from "../../../state-engine/read/block-cache.ts";
import { TableSet } from "../../../state-engine/table-set.ts";
import type {
  ChannelAnswer,
  OpenChannelAnswer,
  SourceFrame,
} from "../../../durable-objects/messages.ts";
import { answering, MERGES_EAGERLY, replacing } from "../mutants/breakages.ts";
import { spread, type Breakage } from "../mutants/mutant.ts";
import {
  options,
  P0,
  partition,
  S0,
  VERTEX,
  wordCount,
  wordsFor,
  x,
  type SourceName,
} from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const MEBIBYTE = 1024 * 1024;

/** The pool of an isolate, and who is in it. */
class Isolate extends SharedMemoryPool {
  readonly #alive = new Set<MemoryMember>();

  get usedBytes(): number {
    return [...this.#alive].reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  }

  override join(member: MemoryMember): void {
    super.join(member);
    this.#alive.add(member);
  }

  override leave(member: MemoryMember): void {
    super.leave(member);
    this.#alive.delete(member);
  }
}

let isolate = new Isolate();

/** All partitions are in one isolate with so much memory for them. */
function inOneIsolate(bytes: number): Breakage {
  return {
    kind: "partition",
    patch() {
      isolate = new Isolate(bytes);
      return () => undefined;
    },
    context(context) {
      const environment = { ...context.environment, memory: isolate };
      return { ...spread(context), environment };
    },
  };
}

let mostBytes = 0;

/** Time passes, and after every event it is noted how much the isolate holds. */
async function watch(stage: Stage, milliseconds: number): Promise<void> {
  let isOver = false;
  stage.world.scheduler.schedule(milliseconds, "time passes", () => (isOver = true));
  const look = (): boolean => {
    mostBytes = Math.max(mostBytes, isolate.usedBytes);
    return isOver;
  };
  await stage.until(`${milliseconds} ms pass`, look, milliseconds + 1);
}

/** Lines of `count` words that the job has not seen. */
async function fill(stage: Stage, lines: number, count: number): Promise<void> {
  mostBytes = 0;
  const words = [0, 1].flatMap((index) => wordsFor(index, (lines * count) / 2, 1_000));
  for (let line = 0; line < lines; line++) {
    await stage.post(S0, words.slice(line * count, (line + 1) * count).join(" "));
    await watch(stage, 1_000);
  }
}

/** What only memory has stays there until a checkpoint takes it. */
const SPILLS_NOTHING = replacing(TableSet.prototype, "spill", () => Promise.resolve());

/** Seven partitions count 5 MB of words in 4 MiB. */
schedule("[rule 31a] the objects of an isolate share one budget, however many there are", {
  job: wordCount({ parallelism: 7 }),
  conditions: [inOneIsolate(4 * MEBIBYTE)],
  async play(stage) {
    await fill(stage, 10, 500);
    return { isWithin: mostBytes <= isolate.limitBytes, words: await counted(stage) };
  },
  kept: { isWithin: true, words: 5_000 },
  without: {
    "each takes the isolate for its own": {
      breakages: [
        replacing(SharedMemoryPool.prototype, "share", (_original, self) => self.limitBytes),
      ],
      broken: { isWithin: false, words: 5_000 },
    },
  },
});

/** Keys there are, page by page: a page is bounded by bytes. */
async function counted(stage: Stage): Promise<number> {
  let keys = 0;
  for (let index = 0; index < stage.graph.options.parallelism; index++) {
    const { task } = partition(VERTEX, index);
    const request = { state: VERTEX, prefix: "", limit: 10_000, order: "key" } as const;
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const from = cursor === "" ? {} : { cursor };
      const page = await stage.ask(async () => {
        const answer = await stage.outside.partition(task).scanState({ ...request, ...from });
        return answer.kind === "page" ? answer : "again";
      });
      keys += page.entries.length;
      cursor = page.next;
    }
  }
  return keys;
}

/** 8 MB of words are written and merged in 4 MiB, with no checkpoint that would take them. */
schedule("[rule 31d] what compactions write leaves memory before there is a checkpoint", {
  job: wordCount({ parallelism: 1 }),
  conditions: [inOneIsolate(4 * MEBIBYTE), MERGES_EAGERLY],
  async play(stage) {
    await fill(stage, 16, 500);
    return { isWithin: mostBytes <= isolate.limitBytes, words: await counted(stage) };
  },
  kept: { isWithin: true, words: 8_000 },
  without: {
    "tables stay until the barrier": {
      breakages: [SPILLS_NOTHING],
      broken: { isWithin: false, words: 8_000 },
    },
  },
});

const TEXTS = 1_500;
const LEAST_BYTES = 2 * MEBIBYTE;

/** A word "key-text" is kept as its key's; a word "key-" asks how long it is. */
function keptTexts() {
  return job("schedule", options({ parallelism: 1 }))
    .lines()
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word.slice(0, word.indexOf("-") + 1))
    .process(VERTEX, {
      state: { text: valueState("text", codecs.text) },
      process(word: string, { state }) {
        if (word.endsWith("-")) return [state.text.get()?.length ?? 0];
        state.text.update(word);
        return [];
      },
    })
    .output();
}

let fetching = 0;

/** A batch is fetched as a whole, and nothing is evicted meanwhile. */
const BRINGS_ALL_AT_ONCE: readonly Breakage[] = [
  replacing(StateEngine.prototype, "fetch", async (original, _self, given) => {
    const [reads] = given as unknown as [readonly StateRead[]];
    fetching += 1;
    try {
      for (let done = 0; done < reads.length;) {
        done += await (original(reads.slice(done) as never) as Promise<number>);
      }
      return reads.length;
    } finally {
      fetching -= 1;
    }
  }),
  replacing(BlockCache.prototype, "trim", (original, _self, given) => {
    if (fetching === 0) original(...given);
  }),
];

/** One frame asks for 1,500 keys whose blocks are 3 MB, in 2 MiB that hold none of them. */
schedule("[rule 31c] a frame is applied in slices whose blocks fit", {
  job: keptTexts(),
  conditions: [inOneIsolate(LEAST_BYTES)],
  async play(stage) {
    const words = [0, 1].flatMap((index) => wordsFor(index, TEXTS / 2, 2_000));
    for (let from = 0; from < TEXTS; from += 100) {
      await stage.post(S0, words.slice(from, from + 100).join(" "));
    }
    await stage.checkpoint();
    stage.loseMemory(P0);
    isolate = new Isolate(LEAST_BYTES);
    mostBytes = 0;
    await stage.post(S0, words.map((word) => word.slice(0, word.indexOf("-") + 1)).join(" "));
    await watch(stage, 10_000);
    await stage.checkpoint();
    const lengths = await stage.values();
    const found = lengths.filter((length) => length === 2_000).length;

    return { isWithin: mostBytes <= isolate.limitBytes, found };
  },
  kept: { isWithin: true, found: TEXTS },
  without: {
    "all that a frame touches is brought first": {
      breakages: BRINGS_ALL_AT_ONCE,
      broken: { isWithin: false, found: TEXTS },
    },
  },
});

/** Bytes of frames that the partition has been given and has not answered. */
let waitingBytes = 0;
let mostWaitingBytes = 0;

const COUNTS_WAITING: Breakage = {
  kind: "partition",
  methods: (logic) => ({
    async frame(given) {
      const { length } = (given as SourceFrame).bytes;
      waitingBytes += length;
      mostWaitingBytes = Math.max(mostWaitingBytes, waitingBytes);
      try {
        return await logic["frame"]!(given);
      } finally {
        waitingBytes -= length;
      }
    },
  }),
};

const SOURCES = 8;
const SHARE_BYTES = 8 * MEBIBYTE;
const ONE_MEBIBYTE_EACH = { creditBytes: MEBIBYTE };

/** P0 waits for the barrier of one source, while all others have 1 MB more to send. */
schedule(
  "[rule 31b] what senders may have under way is a part of the receiver's share, over all of them",
  {
    job: wordCount({ parallelism: 1, sources: SOURCES }),
    conditions: [COUNTS_WAITING],
    memoryBytes: SHARE_BYTES,
    async play(stage) {
      [waitingBytes, mostWaitingBytes] = [0, 0];
      const sources = Array.from({ length: SOURCES }, (_, index) => source(index));
      for (const each of sources) await stage.post(each, x);
      await stage.settle();
      const missing = stage.hold({
        from: source(SOURCES - 1),
        to: partition(VERTEX, 0),
        call: "barrier",
      });
      const checkpoint = await stage.trigger();
      await stage.settle();
      const line = wordsFor(0, 950, 1_000).join(" ");
      for (const each of sources.slice(0, -1)) await stage.post(each, line);
      await stage.settle();
      missing.release();
      await stage.completion(checkpoint);
      await stage.pass(5_000);
      return { isAPart: mostWaitingBytes <= SHARE_BYTES / 4, words: await counted(stage) };
    },
    kept: { isAPart: true, words: 951 },
    without: {
      "each may send as if it were alone": {
        breakages: [
          answering("partition", "openChannel", (answer: OpenChannelAnswer) =>
            answer.kind === "open"
              ? { ...answer, channel: { ...answer.channel, ...ONE_MEBIBYTE_EACH } }
              : answer,
          ),
          ...["frame", "barrier"].map((call) =>
            answering("partition", call, (answer: ChannelAnswer) =>
              answer.kind === "done" ? { ...answer, ...ONE_MEBIBYTE_EACH } : answer,
            ),
          ),
        ],
        broken: { isAPart: false, words: 951 },
      },
    },
  },
);

function source(index: number): SourceName {
  return { kind: "source", index };
}
