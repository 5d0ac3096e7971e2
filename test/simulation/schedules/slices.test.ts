/** Rule 32a: what an object does in one go is bounded by bytes, and an alarm goes on with the rest. */
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import { SourceLog } from "../../../durable-objects/source/log.ts";
import { Pump } from "../../../durable-objects/source/pump.ts";
import { replacing } from "../mutants/breakages.ts";
import type { Breakage } from "../mutants/mutant.ts";
import { P0, S0, VERTEX, wordCount, wordsFor } from "./cast.ts";
import { schedule } from "./play.ts";

const MEBIBYTE = 1024 * 1024;
const LINES = 28;
/** Lines are run through the chain until the platform's limit of CPU time without a new event. */
const MOST_BYTES = 20 * MEBIBYTE;

/** Bytes of lines that the source has read since it was last called, or its alarm rang. */
let bytesAtOnce = 0;
/** What happens to a source that passes the limit. */
let exceeded = (): void => undefined;

const HAS_LIMITED_TIME: readonly Breakage[] = [
  {
    kind: "source",
    methods: (logic) =>
      Object.fromEntries(
        ["alarm", "append", "attach", "enter", "rewind", "triggerCheckpoint"].map((event) => [
          event,
          (...given: readonly unknown[]) => {
            bytesAtOnce = 0;
            return logic[event]!(...given);
          },
        ]),
      ),
  },
  replacing(SourceLog.prototype, "read", (original, _self, given) => {
    const segments = original(...given) as ReturnType<SourceLog["read"]>;
    for (const { bytes } of segments) bytesAtOnce += bytes.length;
    if (bytesAtOnce > MOST_BYTES) exceeded();
    return segments;
  }),
];

let working: Pump | undefined;

/** Whatever is cut, the slice is as good as new. */
const WORKS_WITHOUT_END: readonly Breakage[] = [
  replacing(Pump.prototype, "advance", (original, self) => {
    working = self;
    original();
  }),
  replacing(OutgoingChannel.prototype, "advance", (original, _self, given) => {
    working?.refillSlice();
    original(...given);
  }),
];

/** 28 MB are in the log before P0 opens its channel; nobody calls the source any more. */
schedule("[rule 32a] a backlog is worked off in slices, each of which is an alarm's", {
  job: wordCount({ parallelism: 1 }),
  conditions: HAS_LIMITED_TIME,
  async play(stage) {
    let resets = 0;
    exceeded = () => {
      bytesAtOnce = 0;
      stage.world.scheduler.schedule(0, "S0 has used up its time", () => {
        resets++;
        stage.loseMemory(S0);
      });
    };
    const opening = stage.hold({ from: S0, to: P0, call: "openChannel" });
    const [word] = wordsFor(0, 1, 1_000) as [string];
    const line = Array.from({ length: 1_000 }, () => word).join(" ");
    for (let number = 0; number < LINES; number++) await stage.post(S0, line);
    opening.release();
    await stage.pass(20_000);
    return { resets, counted: (await stage.live(VERTEX))[word] };
  },
  kept: { resets: 0, counted: LINES * 1_000 },
  without: {
    "one event works off all there is": {
      breakages: WORKS_WITHOUT_END,
      broken: { resets: 1, counted: LINES * 1_000 },
    },
  },
});
