/** Durations and moments, as they are written and as the server wants them: in milliseconds. */

/** Milliseconds, or a string with units: `"500ms"`, `"10s"`, `"5m"`, `"1h30m"`, `"2d"`.
 * @example
 * const times: Duration[] = [500, "500ms", "10s", "1h30m"];
 * for (const delay of times) await q.add("send", { to: "ann" }, { delay });
 */
export type Duration = number | string;
/** A date, or unix milliseconds.
 * @example
 * const moments: Moment[] = [new Date(Date.now() + 60_000), Date.now() + 60_000];
 * for (const at of moments) await q.add("send", { to: "ann" }, { at });
 */
export type Moment = Date | number;

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;

/** A duration in milliseconds. */
export function milliseconds(value: Duration): number {
  if (typeof value === "number") {
    if (Number.isFinite(value) && value >= 0) return Math.round(value);
    throw new TypeError(`${value} is no duration: give milliseconds, or a string such as "10s"`);
  }
  const parts = [...value.matchAll(PART)];
  if (!parts.length || parts.map((part) => part[0]).join("") !== value)
    throw new TypeError(`"${value}" is no duration: write "500ms", "10s", "5m", "1h30m" or "2d", or a number of ms`);
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit!]!, 0));
}

/** A moment in unix milliseconds. */
export function unixMilliseconds(value: Moment): number {
  const time = Number(value);
  if (Number.isFinite(time) && time >= 0) return Math.round(time);
  throw new TypeError(`${value} is no moment: give a Date, or unix milliseconds`);
}

/** The wait between attempts: one duration, or the first and the longest, as in `"1s..10m"`, each twice the one before. */
export function backoffWords(value: Duration): (string | number)[] {
  const [first, longest] = typeof value === "string" ? value.split("..", 2) : [value];
  if (longest === undefined) return ["BACKOFF", "FIXED", milliseconds(first!)];
  return ["BACKOFF", "EXPONENTIAL", milliseconds(first!), "MAX", milliseconds(longest)];
}

/** Longer and longer pauses, each a little different. */
export class Pause {
  private next = 5;
  constructor(private readonly longest = 1000) {}

  /** The length of the next one. */
  length(): number {
    const length = this.next * (0.8 + Math.random() * 0.4);
    this.next = Math.min(this.next * 2, this.longest);
    return length;
  }
}

/** Milliseconds on a clock that only goes forward and is the same in all threads. */
export const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
