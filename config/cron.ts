/**
 * Cron expressions as robfig/cron v3 reads them (ParseStandard in parser.go, dayMatches in spec.go): K3s, Velero and
 * Longhorn all use it. It knows five fields and neither seconds nor L, W and #; Sunday is 0 and never 7.
 * Its `@every` and `TZ=` forms are refused here, because the program computes with the fields.
 */
interface Schedule {
  minutes: readonly number[];
  hours: readonly number[];
  daysOfMonth: Field;
  months: readonly number[];
  daysOfWeek: Field;
}

interface Field {
  values: readonly number[];
  /** Written as a star: then the other day field alone decides. Otherwise a day that fits either is a run. */
  star: boolean;
}

interface Bounds {
  name: string;
  min: number;
  max: number;
  names: readonly string[];
}

const bounds: readonly Bounds[] = [
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of the month", min: 1, max: 31, names: [] },
  {
    name: "month",
    min: 1,
    max: 12,
    names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { name: "day of the week", min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/** Says what is wrong with a cron expression, or undefined if nothing is. */
export function cronProblem(expression: string): string | undefined {
  const schedule = parse(expression);
  if (typeof schedule === "string") {
    return schedule;
  }
  return runDays(schedule).length === 0 ? "it never runs: no such day exists" : undefined;
}

/**
 * The longest time between two runs, in hours, on clocks that are never put forward or back. Used to tell whether
 * backups overlap and when one is overdue.
 *
 * @throws Error if cronProblem would complain.
 */
export function longestGapHours(expression: string): number {
  const schedule = parse(expression);
  const runs = typeof schedule === "string" ? [] : runDays(schedule);
  if (typeof schedule === "string" || runs.length === 0) {
    throw new Error(`not a cron expression that ever runs: ${expression}`);
  }
  const times = schedule.hours.flatMap((hour) => schedule.minutes.map((minute) => hour * 60 + minute));
  const withinDay = times.slice(1).map((time, index) => time - times[index]);
  const longestDays = Math.max(...runs.slice(1).map((day, index) => day - runs[index]));
  const overnight = longestDays * 24 * 60 + times[0] - times[times.length - 1];
  return Math.max(overnight, ...withinDay) / 60;
}

/** The fields' values in ascending order, or what is wrong with them. */
function parse(expression: string): Schedule | string {
  const texts = expression.trim().split(/\s+/);
  if (texts.length !== bounds.length) {
    return "it does not have five fields";
  }
  const fields: Field[] = [];
  for (const [index, text] of texts.entries()) {
    const field = parseField(text, bounds[index]);
    if (typeof field === "string") {
      return `${bounds[index].name} '${text}': ${field}`;
    }
    fields.push(field);
  }
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = fields;
  return { minutes: minutes.values, hours: hours.values, daysOfMonth, months: months.values, daysOfWeek };
}

function parseField(text: string, limits: Bounds): Field | string {
  const values = new Set<number>();
  let star = false;
  for (const part of text.split(",")) {
    const match = /^(?:([*?])|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:\/([0-9]+))?$/i.exec(part);
    if (!match) {
      return "only numbers, *, ranges such as 1-5, steps such as */15 and lists of these are understood";
    }
    const [, wildcard, from, to, step] = match;
    const first = wildcard ? limits.min : numberOf(from, limits);
    const toTheEnd = wildcard !== undefined || (to === undefined && step !== undefined);
    const last = toTheEnd ? limits.max : to === undefined ? first : numberOf(to, limits);
    const stride = step === undefined ? 1 : Number(step);
    if (first === undefined || last === undefined || first < limits.min || last > limits.max) {
      return `it must lie between ${limits.min} and ${limits.max}${limits.names.length > 0 ? ` or be a name such as ${limits.names[1]}` : ""}`;
    }
    if (first > last) {
      return "the range ends before it begins";
    }
    if (stride < 1) {
      return "the step must be at least 1";
    }
    for (let value = first; value <= last; value += stride) {
      values.add(value);
    }
    star ||= wildcard !== undefined && stride === 1;
  }
  return { values: [...values].sort((one, other) => one - other), star };
}

function numberOf(text: string, limits: Bounds): number | undefined {
  const named = limits.names.indexOf(text.toLowerCase());
  if (named >= 0) {
    return limits.min + named;
  }
  return /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

interface Day {
  /** Days since the calendar's first. */
  index: number;
  month: number;
  dayOfMonth: number;
  dayOfWeek: number;
}

let calendar: readonly Day[] | undefined;

/** Nine years from 2025: two leap days, and every date on several weekdays. */
function days(): readonly Day[] {
  calendar ??= Array.from({ length: 9 * 366 }, (_, index) => {
    const date = new Date(Date.UTC(2025, 0, 1 + index));
    return { index, month: date.getUTCMonth() + 1, dayOfMonth: date.getUTCDate(), dayOfWeek: date.getUTCDay() };
  });
  return calendar;
}

/** The days of the calendar on which a schedule runs. */
function runDays({ daysOfMonth, months, daysOfWeek }: Schedule): number[] {
  const either = !daysOfMonth.star && !daysOfWeek.star;
  return days()
    .filter(({ month, dayOfMonth, dayOfWeek }) => {
      const byDate = daysOfMonth.values.includes(dayOfMonth);
      const byWeekday = daysOfWeek.values.includes(dayOfWeek);
      return months.includes(month) && (either ? byDate || byWeekday : byDate && byWeekday);
    })
    .map(({ index }) => index);
}
