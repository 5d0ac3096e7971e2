/**
 * Lines of JSON as records: parsed, validated by any Standard Schema, and set aside with the reason
 * when they are not what the schema says.
 */
import { isPromise } from "./checked-answer.ts";
import type { Transform } from "./job-graph.ts";
import { OperatorFailure } from "./operator-failure.ts";
import { outputTag } from "./operators/output-tag.ts";
import type { StandardIssue, StandardSchema } from "./standard-schema.ts";

/** A line that is no record, and where it stands. */
export interface RejectedLine {
  readonly source: number;
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

export const rejectedLines = outputTag<RejectedLine>("rejected-lines");

/** The line is not what the schema says, and the job has no output for such lines. */
export class RejectedLineError extends Error {
  override readonly name = "RejectedLineError";
}

/** `keepsRejected`: rejected lines go to the side output, instead of failing the job. */
export function jsonTransform(schema: StandardSchema, keepsRejected: boolean): Transform {
  return {
    kind: "process",
    apply(text, context) {
      const parsed = parseLine(schema, text as string);
      if (parsed.kind === "record") return [parsed.value];
      if (!keepsRejected) {
        const error = new RejectedLineError(
          `A line is not a record of this job: ${parsed.reason}. Correct what is posted, or name an ` +
            `output for such lines: json(schema, { rejectedTo: "rejected" }).`,
        );
        throw OperatorFailure.of("json", error);
      }
      const { source, line } = context.place!;
      context.sideOutput(rejectedLines, {
        source,
        line,
        reason: parsed.reason,
        text: text as string,
      });
      return [];
    },
  };
}

type Parsed =
  | { readonly kind: "record"; readonly value: unknown }
  | { readonly kind: "rejected"; readonly reason: string };

function parseLine(schema: StandardSchema, text: string): Parsed {
  try {
    return parse(schema, text);
  } catch (error) {
    throw OperatorFailure.of("json", error);
  }
}

function parse(schema: StandardSchema, text: string): Parsed {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { kind: "rejected", reason: `not JSON: ${(error as Error).message}` };
  }
  const result = schema["~standard"].validate(json);
  if (isPromise(result)) {
    throw new TypeError(
      `The schema of json() (${schema["~standard"].vendor}) validates asynchronously. A line must give ` +
        `the same records whenever it is run: use a schema without asynchronous checks.`,
    );
  }
  if (result.issues === undefined) return { kind: "record", value: result.value };
  return { kind: "rejected", reason: result.issues.map(describeIssue).join("; ") };
}

function describeIssue({ message, path = [] }: StandardIssue): string {
  const names = path.map((step) => String(typeof step === "object" ? step.key : step));
  return names.length === 0 ? message : `${names.join(".")}: ${message}`;
}
