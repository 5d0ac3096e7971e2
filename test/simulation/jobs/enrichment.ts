/**
 * Records that ask something outside before they go on: in order or as the answers come, with timeout
 * and retries, and with something else to say, or the dead letters, when nobody answers.
 *
 * In every checkpoint each record has gone on wholly or not at all, once, and what it counted behind the
 * operator is what is committed of it. In the end none is left: a record that waited when memory was
 * lost has been asked for again.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Outside } from "../outside.ts";
import type { Scenario } from "../scenario.ts";
import { addTo, differenceOfStates } from "./compare.ts";
import { DEAD_LETTERS } from "./job-options.ts";
import { padding } from "./padding.ts";
import type { Cut, Producer, SimulatedJob } from "./simulated-job.ts";
import { quoted } from "./word-count.ts";

interface Question {
  readonly key: string;
  readonly number: number;
}

interface Answer extends Question {
  readonly copy: number;
  /** Nobody answered. */
  readonly isFallback: boolean;
}

const GROUPS = 3;
const MOST_COPIES = 2;

export function enrichment(
  scenario: Scenario,
  input: Stream<string>,
  outside: Outside,
): SimulatedJob {
  const { hasFallback, order } = scenario.asynchronous;
  const answers = input
    .map((line) => questionOf(line))
    .keyBy(({ key }) => key)
    .flatMapAsync<Answer>(
      "enrich",
      (question) => outside.ask(nameOf(question), () => answersTo(question, false)),
      {
        order,
        capacity: 4,
        timeoutMs: 4_000,
        retry: { kind: "fixed", attempts: 3, delayMs: 700 },
        ...(hasFallback && { onFailure: (question) => answersTo(question, true) }),
      },
    );
  answers.output("answers");
  const stream = answers.keyBy((answer) => groupOf(answer)).count("groups");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => producer(scenario, index, random),
    check: (cut) => wrongAnswers(scenario, cut) ?? wrongOrder(scenario, cut) ?? wrongGroups(cut),
  };
}

/** Each record's answers are all there or none, each once; in the end those of every record. */
function wrongAnswers(scenario: Scenario, cut: Cut): string | undefined {
  const found = new Map<string, number>();
  for (const { copy, isFallback, key, number } of answersIn(cut)) {
    const name = nameOf({ key, number });
    if (isFallback && !canFail(scenario)) return `${name} was not answered, and nothing failed`;
    if (copy !== (found.get(name) ?? 0)) return `copy ${copy} of ${name} is out of its place`;
    found.set(name, copy + 1);
  }
  const dead = deadIn(cut);
  if (dead.length > 0 && !canFail(scenario)) return `${dead[0]} is dead, and nothing failed`;
  if (new Set(dead).size < dead.length) return "a record is in the dead letters twice";
  const expected = new Map(
    cut.lines.flat().map((line) => {
      const question = questionOf(line);
      return [nameOf(question), answersTo(question, false).length] as const;
    }),
  );
  for (const name of [...found.keys(), ...dead]) {
    if (!expected.has(name)) return `${name} was not asked for by any line`;
  }
  for (const [name, wanted] of expected) {
    const count = found.get(name) ?? 0;
    const isDead = dead.includes(name);
    if (isDead && count > 0) return `${name} is answered and dead`;
    if (count > 0 && count < wanted) return `${name} has ${count} of ${wanted} answers`;
    if (cut.isEnd && !isDead && count < wanted) return `${name} has no answer`;
  }
  return undefined;
}

/** A key's lines come from one producer. */
function wrongOrder({ asynchronous }: Scenario, cut: Cut): string | undefined {
  if (asynchronous.order === "unordered") return undefined;
  const last = new Map<string, number>();
  for (const { key, number } of answersIn(cut)) {
    if (number < (last.get(key) ?? -1)) return `${nameOf({ key, number })} was overtaken`;
    last.set(key, number);
  }
  return undefined;
}

/** What went on to the next vertex is what is committed. */
function wrongGroups(cut: Cut): string | undefined {
  const groups = new Map<string, number>();
  for (const answer of answersIn(cut)) addTo(groups, groupOf(answer), 1);
  return differenceOfStates(cut.states, { groups: quoted(groups) });
}

function answersIn({ output }: Cut): Answer[] {
  return output.flatMap((line) => (line.output === "answers" ? [line.value as Answer] : []));
}

function deadIn({ output }: Cut): string[] {
  return output.flatMap((line) =>
    line.output === DEAD_LETTERS ? [nameOf((line.value as { record: Question }).record)] : [],
  );
}

function canFail({ rates }: Scenario): boolean {
  return rates.outsideFailure > 0 || rates.outsideSlow > 0;
}

/** None, one or two, as the question's number says. */
function answersTo({ key, number }: Question, isFallback: boolean): readonly Answer[] {
  const copies = number % (MOST_COPIES + 1);
  return Array.from({ length: copies }, (_, copy) => ({ key, number, copy, isFallback }));
}

function groupOf({ copy, number }: Answer): string {
  return `group${(number + copy) % GROUPS}`;
}

function nameOf({ key, number }: Question): string {
  return `${key}/${number}`;
}

function questionOf(line: string): Question {
  const [key, number] = line.split(" ");
  return { key: key!, number: Number(number) };
}

function producer(scenario: Scenario, index: number, random: SeededRandom): Producer {
  let number = 0;
  const keys = Math.max(2, Math.min(20, scenario.sharedWords));
  const line = (): string =>
    `key${index}-${random.integer(keys)} ${number++} ${padding(random, scenario.paddingBytes / 10)}`;
  return { closing: [], lines: (count) => Array.from({ length: count }, line) };
}
