/**
 * Where the demonstration is shown: lines that stay, above one progress bar that moves. Without a
 * terminal there is no bar, only the lines.
 */
import cliProgress from "cli-progress";
import pc from "picocolors";
import { formatBytes } from "../output/format.ts";

const REDRAWS_PER_SECOND = 15;

export class Screen {
  readonly #totalBytes: number;
  #bars: cliProgress.MultiBar | undefined;
  #bar: cliProgress.SingleBar | undefined;
  #bytes = 0;
  #began = { at: 0, bytes: 0 };

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  startBar(): void {
    if (!process.stdout.isTTY) return;
    this.#began = { at: performance.now(), bytes: this.#bytes };
    this.#bars = new cliProgress.MultiBar({
      stream: process.stdout,
      fps: REDRAWS_PER_SECOND,
      hideCursor: true,
      barsize: 36,
      format: `  ${pc.cyan("{bar}")} {percentage} %  {posted} of {size}  {rate}/s`,
      barCompleteChar: "█",
      barIncompleteChar: "░",
    });
    this.#bar = this.#bars.create(this.#totalBytes, this.#bytes, this.#figures());
  }

  endBar(): void {
    this.#bars?.update();
    this.#bars?.stop();
    this.#bars = undefined;
    this.#bar = undefined;
  }

  posted(bytes: number): void {
    this.#bytes += bytes;
    this.#bar?.update(this.#bytes, this.#figures());
  }

  /** Share of the text that was answered. */
  get share(): number {
    return this.#bytes / this.#totalBytes;
  }

  line(text = ""): void {
    if (this.#bars === undefined) console.log(text);
    else this.#bars.log(`${text}\n`);
  }

  done(text: string): void {
    this.line(`  ${pc.green("✔")} ${text}`);
  }

  broken(text: string): void {
    this.line(`  ${pc.red("✖")} ${text}`);
  }

  heading(text: string): void {
    this.line(`\n${pc.bold(text)}`);
  }

  #figures(): Record<string, string> {
    const seconds = Math.max(0.001, (performance.now() - this.#began.at) / 1000);
    return {
      posted: formatBytes(this.#bytes),
      size: formatBytes(this.#totalBytes),
      rate: formatBytes((this.#bytes - this.#began.bytes) / seconds),
    };
  }
}
