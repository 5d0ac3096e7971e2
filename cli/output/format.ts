/** Numbers as people read them. Pure. */

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Decimal units, three digits: "1.21 MB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

export function formatShare(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Small amounts keep two digits that say something: "$0.000012". */
export function formatDollars(amount: number): string {
  if (amount === 0) return "$0";
  if (amount < 0.000_000_1) return "< $0.0000001";
  const digits = Math.max(2, 1 - Math.floor(Math.log10(Math.abs(amount))));
  return `$${amount.toFixed(digits)}`;
}
