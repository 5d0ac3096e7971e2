/** Rule 1: a frame says from where to where it goes, and the receiver's position decides. */
import { SourceChannel } from "../../../durable-objects/partition/source-channel.ts";
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import { type Breakage, patched } from "../mutants/mutant.ts";
import { options, P0, S0, VERTEX, wordCount, wordsFor, x } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

/** A source that wakes up begins where its last checkpoint is, whatever the receiver says. */
const DOES_NOT_ASK: Breakage = {
  kind: "source",
  patch: () =>
    patched(OutgoingChannel.prototype, "position", ({ value }) => ({
      value(this: OutgoingChannel, state: object, partition: never) {
        const position = this.cut;
        (value as (...given: unknown[]) => void).call(this, { ...state, position }, partition);
      },
    })),
};

function judging(judge: (channel: SourceChannel, from: number, to: number) => string): Breakage {
  return {
    kind: "partition",
    patch: () =>
      patched(SourceChannel.prototype, "judgeFrame", () => ({
        value(this: SourceChannel, frame: { from: { line: number }; to: { line: number } }) {
          return judge(this, frame.from.line, frame.to.line);
        },
      })),
  };
}

const DROPS_WHAT_LOOKS_LIKE_A_REPEAT = judging((channel, from) =>
  from < channel.queuedTo.line ? "known" : "next",
);
const TAKES_WHATEVER_COMES = judging(() => "next");

/** S0 sends 5 lines; S0 loses its memory; 5 more come; S0 wakes. */
async function forgetfulSource(stage: Stage): Promise<unknown> {
  await stage.post(S0, x, x, x, x, x);
  await stage.settle();
  stage.loseMemory(S0);
  await stage.post(S0, x, x, x, x, x);
  await stage.settle();
  return stage.live(VERTEX);
}

schedule("[rule 1] a source that lost its memory goes on where each receiver stands", {
  job: wordCount(),
  play: forgetfulSource,
  kept: { [x]: 10 },
  without: {
    "frames are numbered, and the receiver drops a number it has had": {
      breakages: [DOES_NOT_ASK, DROPS_WHAT_LOOKS_LIKE_A_REPEAT],
      broken: { [x]: 5 },
    },
    "the source asks for the next number only": {
      breakages: [DOES_NOT_ASK, TAKES_WHATEVER_COMES],
      broken: { [x]: 15 },
    },
  },
});

const WORDS = wordsFor(0, 400, 1_000);

schedule("[rule 1] one line that fills several frames is not begun anew in the middle", {
  job: wordCount(options({ parallelism: 1 })),
  async play(stage) {
    const second = stage.hold({
      from: S0,
      to: P0,
      call: "frame",
      where: ({ from }: { from: { record: number } }) => from.record > 0,
    });
    await stage.post(S0, WORDS.join(" "));
    await stage.until("the second frame of the line is cut", () => second.count > 0);
    await stage.settle();
    stage.loseMemory(S0);
    second.lose();
    await stage.post(S0, "end");
    await stage.settle();
    const counts = Object.values(await stage.live(VERTEX));
    return { words: counts.length, twice: counts.filter((count) => count !== 1).length };
  },
  kept: { words: 401, twice: 0 },
  without: {
    "positions are lines": {
      breakages: [
        judging((channel, from) => (from === channel.queuedTo.line ? "next" : "apart")),
        {
          kind: "source",
          patch: () =>
            patched(OutgoingChannel.prototype, "position", ({ value }) => ({
              value(this: OutgoingChannel, state: { position: { line: number } }, to: never) {
                const position = { line: state.position.line, record: 0 };
                (value as (...given: unknown[]) => void).call(this, { ...state, position }, to);
              },
            })),
        },
      ],
      broken: { words: 401, twice: 259 },
    },
  },
});
