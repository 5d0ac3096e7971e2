/** Parses an option that must be a whole number from `minimum` to `maximum`. */
import { InvalidArgumentError } from "commander";

export function wholeNumber(maximum: number, minimum = 0) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= minimum && number <= maximum) return number;
    throw new InvalidArgumentError(`Write a whole number from ${minimum} to ${maximum}.`);
  };
}
