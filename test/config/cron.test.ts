import { expect } from "chai";
import { Cron } from "croner";
import * as fc from "fast-check";
import { cronProblem, longestGapHours } from "../../config/cron";

const HOUR = 3_600_000;

/** A field that croner and robfig/cron read alike: neither a star with step 1, nor a star inside a list. */
function field(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value).map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
  const step = fc.integer({ min: 2, max: Math.min(15, max - min) });
  return fc.oneof(
    fc.constant("*"),
    value.map(String),
    range,
    fc.tuple(fc.oneof(fc.constant("*"), range), step).map(([base, width]) => `${base}/${width}`),
    fc.array(fc.oneof(value.map(String), range), { minLength: 2, maxLength: 3 }).map((parts) => parts.join(",")),
  );
}
const expression = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((fields) => fields.join(" "));

describe("cron expressions", () => {
  it("are accepted where another implementation finds runs", () => {
    fc.assert(
      fc.property(expression, (text) => {
        expect(cronProblem(text)).to.equal(undefined);
        expect(new Cron(text, { timezone: "UTC" }).nextRun()).not.to.equal(null);
      }),
    );
  });

  it("have no longer pause than the longest, by another implementation's runs", () => {
    fc.assert(
      fc.property(expression, (text) => {
        const runs = new Cron(text, { timezone: "UTC" }).nextRuns(30, new Date("2025-01-01T00:00:00Z"));
        const gaps = runs.slice(1).map((run, index) => (run.getTime() - runs[index].getTime()) / HOUR);
        expect(Math.max(0, ...gaps)).to.be.at.most(longestGapHours(text) + 1e-9);
      }),
      { numRuns: 30 },
    );
  });

  const gaps: [text: string, hours: number][] = [
    ["15 * * * *", 1],
    ["*/5 * * * *", 1 / 12],
    ["0 */6 * * *", 6],
    ["0 */7 * * *", 7],
    ["30 2 * * *", 24],
    ["0 4 * * 0", 168],
    ["0 9-17 * * mon-fri", 64],
    // Thirty-three hours of runs every five minutes do not hide the four weeks without any.
    ["*/5 * 1-3 * *", 28 * 24 + 1 / 12],
    ["0 0 1 * *", 31 * 24],
    ["0 0 29 2 *", (3 * 365 + 366) * 24],
    // Both day fields restricted: a day that fits either is a run.
    ["0 0 1 * 1", 168],
    // A star with step 1 is still a star to robfig/cron, and not to others.
    ["0 0 */1 * 1", 168],
    ["0 0 ? * 1", 168],
  ];
  for (const [text, hours] of gaps) {
    it(`${text} pauses for ${hours.toFixed(2)} hours at most`, () => {
      expect(longestGapHours(text)).to.be.closeTo(hours, 1e-9);
    });
  }

  const refused: [text: string, problem: string][] = [
    ["0 0 3 * * *", "five fields"],
    ["@daily", "five fields"],
    ["CRON_TZ=UTC 0 3 * * *", "five fields"],
    ["0 3 * *", "five fields"],
    ["", "five fields"],
    ["60 * * * *", "minute '60': it must lie between 0 and 59"],
    ["* 24 * * *", "between 0 and 23"],
    ["* * 0 * *", "between 1 and 31"],
    ["* * * 13 *", "between 1 and 12"],
    ["0 3 * * 7", "between 0 and 6"],
    ["0 3 * * monday", "between 0 and 6"],
    ["0 3 L * *", "between 1 and 31"],
    ["0 3 15W * *", "between 1 and 31"],
    ["0 3 * * 5L", "between 0 and 6"],
    ["0 3 * * 1#2", "only numbers"],
    ["0 22-2 * * *", "ends before it begins"],
    ["*/0 * * * *", "at least 1"],
    ["1/2/3 * * * *", "only numbers"],
    ["1,,2 * * * *", "only numbers"],
    ["+1 * * * *", "only numbers"],
    ["0 0 31 2 *", "never runs"],
    ["0 0 31 4,6,9,11 *", "never runs"],
  ];
  for (const [text, problem] of refused) {
    it(`refuses '${text}', as robfig/cron does`, () => {
      expect(cronProblem(text)).to.include(problem);
      expect(() => longestGapHours(text)).to.throw("not a cron expression");
    });
  }

  it("knows names of months and days in either case", () => {
    expect(cronProblem("0 3 * JAN-mar Mon,wed,FRI")).to.equal(undefined);
  });
});
