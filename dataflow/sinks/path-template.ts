/**
 * Directories by template: "events/{date:at}/{kind}/". A pure function of the record and the time of
 * its commit.
 *
 * Promise: a directory is made of `A-Z a-z 0-9 . _ -` and "%" with two digits, has no empty segment, no
 * "." and no "..", and says "_none" for what the record has not. Each value takes at most 100
 * characters: what is cut off stays in the record.
 */

export interface PathTemplate {
  /** The segments before the first one with a placeholder, with their last slash. */
  readonly fixedPrefix: string;
  /** No placeholder needs the record: it has not to be parsed. */
  readonly isFixedPerCommit: boolean;
  render(record: unknown, committedAt: number): string;
}

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "field"; readonly field: readonly string[] }
  /** Without a field: of the commit. */
  | { readonly kind: "date" | "hour"; readonly field?: readonly string[] };

const longestValue = 100;
const longestTemplate = 300;
/** With the longest values a key stays below the 1,024 bytes that R2 takes. */
const mostPlaceholders = 6;
const none = "_none";

/** Throws RangeError for a template that is not allowed, saying what to write. */
export function parsePathTemplate(sink: string, template: string): PathTemplate {
  const segments = template.split("/");
  const isWhole = segments.pop() === "" && segments.every((segment) => segment !== "");
  const [first = ""] = segments;
  if (!isWhole || template.length > longestTemplate || !/^[A-Za-z0-9._-]+$/.test(first)) {
    throw refused(sink, template);
  }
  const parts: Part[] = [];
  for (const [text, placeholder, literal] of template.matchAll(/\{([^{}]*)\}|([^{}]+)|[{}]/g)) {
    if (placeholder !== undefined) parts.push(placeholderPart(sink, template, placeholder));
    else if (literal !== undefined && /^[A-Za-z0-9._=/-]+$/.test(text))
      parts.push({ kind: "text", text });
    else throw refused(sink, template);
  }
  const placeholders = parts.filter(({ kind }) => kind !== "text").length;
  const hasDots = segments.some((segment) => /^\.+$/.test(segment));
  if (hasDots || placeholders > mostPlaceholders) throw refused(sink, template);
  const fixed = segments.findIndex((segment) => segment.includes("{"));
  return {
    fixedPrefix: segments
      .slice(0, fixed === -1 ? undefined : fixed)
      .map((segment) => `${segment}/`)
      .join(""),
    isFixedPerCommit: parts.every((part) => part.kind === "text" || timeOfCommit(part)),
    render: (record, committedAt) =>
      parts.map((part) => renderPart(part, record, committedAt)).join(""),
  };
}

function timeOfCommit(part: Part): boolean {
  return part.kind !== "text" && part.kind !== "field" && part.field === undefined;
}

function placeholderPart(sink: string, template: string, placeholder: string): Part {
  const [, time, ofField, field] = /^(?:(date|hour)(?::(.+))?|(.+))$/.exec(placeholder) ?? [];
  const path = (field ?? ofField)?.split(".");
  if (path?.some((name) => name === "") === true) throw refused(sink, template);
  if (time !== undefined) {
    return { kind: time as "date" | "hour", ...(path !== undefined && { field: path }) };
  }
  if (path === undefined || field!.includes(":")) throw refused(sink, template);
  return { kind: "field", field: path };
}

function renderPart(part: Part, record: unknown, committedAt: number): string {
  if (part.kind === "text") return part.text;
  if (part.kind === "field") return safeText(valueAt(record, part.field));
  const value = part.field === undefined ? committedAt : valueAt(record, part.field);
  const isTime = typeof value === "number" || typeof value === "string";
  const time = isTime ? new Date(value) : undefined;
  if (time === undefined || Number.isNaN(time.getTime())) return none;
  const iso = time.toISOString();
  // Years beyond 9999 have a sign and six digits: "T" is where the date ends in all of them.
  const end = iso.indexOf("T");
  return safeText(part.kind === "date" ? iso.slice(0, end) : iso.slice(end + 1, end + 3));
}

function valueAt(record: unknown, path: readonly string[]): unknown {
  let value = record;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function safeText(value: unknown): string {
  const isPlain = ["string", "number", "boolean"].includes(typeof value);
  const text = isPlain ? String(value).toWellFormed() : "";
  if (text === "") return none;
  const encoded = encodeURIComponent(text)
    .replaceAll(/[^A-Za-z0-9._%-]/g, percent)
    .slice(0, longestValue)
    .replace(/%.?$/, "");
  return /^\.+$/.test(encoded) ? encoded.replaceAll(".", "%2E") : encoded;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function refused(sink: string, template: string): RangeError {
  return new RangeError(
    `The path of sink "${sink}" is ${JSON.stringify(template)}: write at most ${longestTemplate} characters of ` +
      `segments that each end with "/", of A-Z a-z 0-9 . _ = - and at most ${mostPlaceholders} placeholders, the ` +
      `first segment without one, such as "events/{date}/{kind}/".`,
  );
}
