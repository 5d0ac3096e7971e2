/** Code in the pages of the repository, for tests that run it. */
import { readFileSync } from "node:fs";

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** The file that the line above the block names, as in "A job, `src/views.ts`:". */
  readonly file?: string;
}

/** The fenced blocks of a page, in order. `page` is a path from the root of the repository. */
export function codeBlocksOf(page: string): readonly CodeBlock[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/(?:^.*`([\w./-]+)`:\n\n)?^```(\w+)\n([^]*?)^```$/gm)].map(
    ([, file, language, code]) => ({
      language: language!,
      text: code!,
      ...(file !== undefined && { file }),
    }),
  );
}
