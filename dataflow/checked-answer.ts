/**
 * Refuses what a user's function answered, or gave to state, against its contract, before it becomes state or a result:
 * undefined, promises, what cannot be summed or compared. Types say the same, but lines, casts and plain
 * JavaScript get past them, and what went wrong would otherwise be committed as null or NaN.
 *
 * `who` is the beginning of a sentence, such as `The function of sum "totals"`: made once, by whoever
 * opens the operator. Where it happened is added by whoever runs it. A record costs comparisons only.
 */

/** Whether `value` is what `await` would wait for. A record may well have a field named `then`. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** Answers `answer` unless it is undefined or a promise: TypeError. */
export function checkAnswer<T>(answer: T, who: string): T {
  if (answer === undefined) {
    throw new TypeError(`${who} answered undefined. Answer a value; null is one.`);
  }
  if (isPromise(answer)) throw promised(who);
  return answer;
}

/**
 * Answers `value` unless it is undefined or a promise: TypeError. Undefined is what a state answers where it holds
 * nothing, so no codec stores it as a value. `who` names the state, `instead` is what to do to hold nothing.
 */
export function checkStored<T>(value: T, who: string, instead: string): T {
  if (value === undefined) {
    throw new TypeError(
      `${who} was given undefined, which is what it answers where it holds nothing. ` +
        `Then ${instead}; null is a value.`,
    );
  }
  if (isPromise(value)) throw promised(who, "was given");
  return value;
}

/** The sum. Throws TypeError when `addend` is no number, RangeError when the sum is not finite. */
export function addNumber(sum: number, addend: unknown, who: string): number {
  if (typeof addend !== "number") {
    if (isPromise(addend)) throw promised(who);
    throw new TypeError(
      `${who} answered ${shown(addend)} where a number is expected. ` +
        `Convert it, as in Number(record.price), or leave the record out with filter.`,
    );
  }
  const total = sum + addend;
  if (Number.isFinite(total)) return total;
  throw new RangeError(
    `${who} answered ${addend}, which makes ${total} of the sum ${sum}: only finite numbers are ` +
      `summed. Leave the record out with filter.`,
  );
}

/** Answers `value` when it has a place in an order: a number that is not NaN, a string or a bigint. */
export function checkComparable<V>(value: V, who: string): V {
  if (typeof value === "number" ? !Number.isNaN(value) : isOtherComparable(value)) return value;
  if (isPromise(value)) throw promised(who);
  throw new TypeError(
    `${who} answered ${shown(value)}, which has no place in an order. Answer a number other than ` +
      `NaN, a string or a bigint, or leave the record out with filter.`,
  );
}

/**
 * Answers `value` when it can be the least or the greatest of a key or window: a finite number, a string or a
 * bigint. An infinite one has its place in an order, but as a result JSON would write it as null: RangeError.
 */
export function checkExtreme<V>(value: V, who: string): V {
  if (typeof value === "number" ? Number.isFinite(value) : isOtherComparable(value)) return value;
  const comparable = checkComparable(value, who);
  throw new RangeError(
    `${who} answered ${String(comparable)}, which JSON has no number for: the result would be null. ` +
      `Answer a finite number, or leave the record out with filter.`,
  );
}

/** Whether `left` is less than `right`, both of them comparable and of one kind: TypeError. */
export function isBelow<V>(left: V, right: V, who: string): boolean {
  checkComparable(left, who);
  checkComparable(right, who);
  if (typeof left !== typeof right && (typeof left === "string" || typeof right === "string")) {
    throw new TypeError(
      `${who} answered ${shown(left)} and ${shown(right)}: a string has no place among numbers. ` +
        `Answer values of one kind.`,
    );
  }
  return left < right;
}

function isOtherComparable(value: unknown): boolean {
  return typeof value === "string" || typeof value === "bigint";
}

function promised(who: string, how: "answered" | "was given" = "answered"): TypeError {
  return new TypeError(
    `${who} ${how} a promise. Functions run synchronously, so that records keep their order: call the ` +
      `outside in asynchronous enrichment (mapAsync) after keyBy.`,
  );
}

/** The longest part of a string that is shown. */
const LONGEST_SHOWN = 40;

function shown(value: unknown): string {
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.slice(0, LONGEST_SHOWN))}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return String(value);
}
