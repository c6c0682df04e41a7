import { expect } from "chai";
import * as fc from "fast-check";
import { durationHours, quantityMib, toBytes, toKib, toMib } from "../../config/units";

describe("sizes", () => {
  it("are exact", () => {
    expect(toKib("8Gi")).to.equal(8388608n);
    expect(toBytes("24Gi")).to.equal(25769803776n);
    expect(["512Mi", "8Gi", "30Ti"].map(toMib)).to.deep.equal([512, 8192, 31457280]);
    // More than a double counts without gaps.
    expect(toBytes("999999Ti")).to.equal(999999n * 1099511627776n);
  });

  it("agree between units", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), (n) => {
        expect(toBytes(`${n}Ti`)).to.equal(toBytes(`${n * 1024}Gi`));
        expect(toBytes(`${n}Gi`)).to.equal(toBytes(`${n * 1024}Mi`));
        expect(toKib(`${n}Mi`) * 1024n).to.equal(toBytes(`${n}Mi`));
        expect(toMib(`${n}Mi`)).to.equal(n);
      }),
    );
  });

  it("fail in other forms", () => {
    for (const wrong of ["8", "8G", "8GB", "0Gi", "1.5Gi", " 8Gi", "-1Gi"]) {
      expect(() => toBytes(wrong), wrong).to.throw("not a size");
    }
  });
});

describe("quantities of Kubernetes", () => {
  it("are read in every form, and rounded up", () => {
    for (const [quantity, mib] of [
      ["1Gi", 1024],
      ["1.5Gi", 1536],
      ["0.5Ti", 524288],
      ["1Ki", 1],
      ["1M", 1],
      ["1G", 954],
      ["1e9", 954],
      ["1E3", 1],
      [1073741824, 1024],
      ["1073741824", 1024],
      ["128974848000m", 123],
    ] as const) {
      expect(quantityMib(quantity), String(quantity)).to.equal(mib);
    }
  });

  it("are none in other forms", () => {
    for (const wrong of ["", "Gi", "1GB", "-1Gi", "1 Gi", "one", null, undefined]) {
      expect(quantityMib(wrong), String(wrong)).to.equal(undefined);
    }
  });
});

describe("durations", () => {
  it("are compared in hours", () => {
    expect(["720h", "90m", "1h30m", "36s"].map(durationHours)).to.deep.equal([720, 1.5, 1.5, 0.01]);
  });
  it("refuse what the schema refuses", () => {
    expect(() => durationHours("")).to.throw("not a duration");
    expect(() => durationHours("2d")).to.throw("not a duration");
  });
});
