/** What the options of all sinks have in common, refused in whole sentences when a job is built. */
import type { SinkUrl } from "./sink-definition.ts";

/** 1 to 64 of `a-z0-9-`, beginning with a letter: it stands in keys of files, messages and requests. */
export function checkSinkName(name: string): string {
  if (/^[a-z][a-z0-9-]{0,63}$/.test(name)) return name;
  throw new RangeError(
    `"${name}" cannot be the name of a sink: it stands in keys. Write 1 to 64 of a-z, 0-9 and "-", ` +
      `beginning with a letter.`,
  );
}

/** A binding of the Worker. */
export function checkBinding(sink: string, option: string, binding: string): string {
  if (/^[A-Za-z_$][\w$]{0,127}$/.test(binding)) return binding;
  throw new RangeError(
    `${option} of sink "${sink}" is ${JSON.stringify(binding)}, which is no name of a binding: write ` +
      `the name that wrangler.toml or \`wrangler secret put\` gives it, such as "ORDERS".`,
  );
}

export function checkWholeNumber(
  sink: string,
  option: string,
  value: number,
  range: { readonly from: number; readonly to: number },
): number {
  if (Number.isSafeInteger(value) && value >= range.from && value <= range.to) return value;
  throw new RangeError(
    `${option} of sink "${sink}" is ${value}: write a whole number from ${range.from} to ${range.to}.`,
  );
}

/** An address without credentials: the graph of a job is shown to whoever may read it. */
export function checkUrl(sink: string, url: SinkUrl): SinkUrl {
  if (typeof url !== "string") return { secret: checkBinding(sink, "url.secret", url.secret) };
  if (/^https?:\/\/[^/?#@\s]+(?:[/?#]\S*)?$/.test(url)) return url;
  throw new RangeError(
    `The url of sink "${sink}" must be a whole http or https address without user and password. ` +
      `Keep one that is itself secret in a secret of the Worker.`,
  );
}
