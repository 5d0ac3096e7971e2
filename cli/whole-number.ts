/** Parses an option that must be a whole number from 0 to `maximum`. */
import { InvalidArgumentError } from "commander";

export function wholeNumber(maximum: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number <= maximum) return number;
    throw new InvalidArgumentError(`Write a whole number from 0 to ${maximum}.`);
  };
}
