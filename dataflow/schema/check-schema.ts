/**
 * Whether a changed job can read what an earlier one stored. Pure. Promise: no problem means that
 * every stored value decodes; a problem says what differs and what to do.
 *
 * Fine are: new states, states that are gone (they stay stored and are checked when they come back),
 * fields that are new and may be absent, that are gone, or that became optional; int64 read as float64
 * and json as structured, in a state and in a field.
 */
import type {
  CodecSchema,
  FieldSchema,
  StateSchema,
  VertexSchema,
} from "../../state-engine/manifest/state-schema.ts";

/** Codecs that read the bytes of another one. */
const WIDER: Readonly<Record<string, string>> = { int64: "float64", json: "structured" };

/** What stands in the way, as sentences; empty when nothing does. Vertices that are gone are not looked at. */
export function schemaProblems(
  stored: readonly VertexSchema[],
  wanted: readonly VertexSchema[],
): readonly string[] {
  return stored.flatMap((before) => {
    const now = wanted.find(({ vertex }) => vertex === before.vertex);
    return now === undefined ? [] : vertexProblems(before, now);
  });
}

/** What is stored once the wanted job runs: its states, and those that nobody declares any more. */
export function mergedSchema(
  stored: readonly VertexSchema[],
  wanted: readonly VertexSchema[],
): readonly VertexSchema[] {
  return wanted.map((now) => {
    const before = stored.find(({ vertex }) => vertex === now.vertex)?.states ?? [];
    const gone = before.filter(({ name }) => now.states.every((state) => state.name !== name));
    return { ...now, states: [...now.states, ...gone] };
  });
}

function vertexProblems(before: VertexSchema, now: VertexSchema): readonly string[] {
  if (before.keyType !== now.keyType) {
    return [
      `The keys of "${now.vertex}" are stored as ${before.keyType}, and the job declares ${now.keyType}. ` +
        `Keep the earlier type of key, or give the operator another uid to begin with empty state.`,
    ];
  }
  return before.states.flatMap((state) => {
    const declared = now.states.find(({ name }) => name === state.name);
    return declared === undefined ? [] : stateProblems(now.vertex, state, declared);
  });
}

function stateProblems(vertex: string, before: StateSchema, now: StateSchema): readonly string[] {
  const refuse = (stored: string, declared: string): readonly string[] => [
    `State "${before.name}" of "${vertex}" is stored as ${stored}, and the job declares ${declared}. ` +
      `Declare it as it was, or give it another name to begin with empty state.`,
  ];
  if (before.kind !== now.kind) return refuse(`${before.kind} state`, `${now.kind} state`);
  if (before.keyType !== now.keyType) {
    return refuse(`a map by ${before.keyType}`, `a map by ${now.keyType}`);
  }
  if (hasDeadlines(before) !== hasDeadlines(now)) {
    return refuse(`values ${describeTtl(before)}`, `values ${describeTtl(now)}`);
  }
  return codecProblems(`state "${before.name}" of "${vertex}"`, before.codec, now.codec);
}

/** Whether a deadline is part of each value's bytes: of list elements always, of others in event time. */
function hasDeadlines({ kind, ttl }: StateSchema): boolean {
  return kind === "list" ? ttl !== undefined : ttl === "event";
}

function describeTtl({ ttl }: StateSchema): string {
  return ttl === undefined ? "without a TTL" : `with a TTL in ${ttl} time`;
}

function codecProblems(what: string, before: CodecSchema, now: CodecSchema): readonly string[] {
  if (typeof before === "string" && typeof now === "string") {
    if (before === now || WIDER[before] === now) return [];
    return [unreadable(what, before, now)];
  }
  if (typeof before === "string" || typeof now === "string") {
    return [unreadable(what, describe(before), describe(now))];
  }
  return [
    ...now.record.flatMap((field) => fieldProblems(what, before.record, field)),
    ...before.record
      .filter(({ isOptional, name }) => isOptional && isRequired(now.record, name))
      .map(
        ({ name }) =>
          `The field "${name}" of ${what} may be absent in what is stored, and the job requires it. ` +
          `Declare it with { optional: true } or with a default.`,
      ),
  ];
}

function fieldProblems(
  what: string,
  before: readonly FieldSchema[],
  now: FieldSchema,
): readonly string[] {
  const stored = before.find(({ name }) => name === now.name);
  if (stored !== undefined) {
    return codecProblems(`the field "${now.name}" of ${what}`, stored.codec, now.codec);
  }
  if (now.isOptional) return [];
  return [
    `The field "${now.name}" of ${what} is new, and what is stored does not have it. Declare it with ` +
      `{ optional: true } or with a default; if it was renamed, with { formerly: "its old name" }.`,
  ];
}

function isRequired(fields: readonly FieldSchema[], name: string): boolean {
  return fields.some((field) => field.name === name && !field.isOptional);
}

function unreadable(what: string, before: string, now: string): string {
  return (
    `What is stored of ${what} is ${before}, which ${now} cannot read. Declare ${before} again` +
    `${WIDER[before] === undefined ? "" : ` or its wider ${WIDER[before]}`}, or begin a state under another name.`
  );
}

function describe(schema: CodecSchema): string {
  return typeof schema === "string" ? schema : "a record";
}
