/** The three best players of each game by all their points. */
import { job, mapState } from "weir";

interface Score {
  readonly game: string;
  readonly player: string;
  readonly points: number;
}

export const leaderboard = job("leaderboard")
  .lines()
  .map((line) => JSON.parse(line) as Score)
  .keyBy((score) => score.game)
  .process("boards", {
    state: { points: mapState<number>("points", "string") },
    process({ game, player, points }: Score, { state }) {
      const before = bestOf(state.points.entries());
      state.points.put(player, (state.points.get(player) ?? 0) + points);
      const after = bestOf(state.points.entries());
      return String(after) === String(before) ? [] : [{ game, best: after }];
    },
  })
  .output();

function bestOf(players: readonly (readonly [string, number])[]) {
  return players.toSorted(([, a], [, b]) => b - a).slice(0, 3);
}
