import { expect } from "chai";
import { durationHours, mebibytes } from "../../config/units";

describe("units", () => {
  it("sizes are compared in MiB", () => {
    expect(["512Mi", "8Gi", "30Ti"].map(mebibytes)).to.deep.equal([512, 8192, 31457280]);
  });
  it("durations are compared in hours", () => {
    expect(["720h", "90m", "1h30m", "36s"].map(durationHours)).to.deep.equal([720, 1.5, 1.5, 0.01]);
  });
  it("refuse what the schema refuses", () => {
    expect(() => mebibytes("8G")).to.throw("not a size");
    expect(() => durationHours("")).to.throw("not a duration");
    expect(() => durationHours("2d")).to.throw("not a duration");
  });
});
