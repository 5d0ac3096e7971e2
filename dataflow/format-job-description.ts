/**
 * The description of a job as text for a terminal: a node a line, and below it what feeds it, in the
 * order of its inputs.
 *
 *   totals
 *     lines()  source ×2  lines → json → map
 *     totals   keyed ×4   reduce, key: string
 *              ← lines() by hash
 */
import type { EdgeDescription, JobDescription, NodeDescription } from "./describe.ts";

export function formatJobDescription({ name, nodes, edges }: JobDescription): string {
  const widest = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
  const idWidth = widest(nodes.map(({ id }) => id));
  const kindWidth = widest(nodes.map(kindOf));
  const lines = nodes.flatMap((node) => [
    `  ${node.id.padEnd(idWidth)}  ${kindOf(node).padEnd(kindWidth)}  ${detailsOf(node)}`,
    ...inputsOf(node, edges).map((input) => `  ${" ".repeat(idWidth)}  ← ${input}`),
  ]);
  return [name, ...lines].join("\n");
}

function kindOf({ kind, parallelism }: NodeDescription): string {
  return `${kind} ×${parallelism}`;
}

function detailsOf({ operators, keyType, feeds, sink }: NodeDescription): string {
  return [
    operators.join(" → "),
    ...(keyType === undefined ? [] : [`key: ${keyType}`]),
    ...(feeds ?? []).map((feed) => `fed by ${feed.kind} "${feed.name}"`),
    ...(sink === undefined ? [] : [`delivered by ${sink.kind}`]),
  ].join(", ");
}

function inputsOf({ id }: NodeDescription, edges: readonly EdgeDescription[]): readonly string[] {
  const into = edges
    .filter(({ to }) => to === id)
    .toSorted((one, other) => (one.input ?? 0) - (other.input ?? 0));
  const isOneInput = into.every(({ input }) => input === undefined || input === 0);
  return into.map(({ from, input, partitioning }) => {
    const place = isOneInput || input === undefined ? "" : `, input ${input}`;
    return `${from} by ${partitioning}${place}`;
  });
}
