import { expect } from "chai";
import * as fc from "fast-check";
import { toBytes, toKib } from "../../../nodes/hypervisor/byte-size";

describe("sizes of memory and disk", () => {
  it("are exact", () => {
    expect(toKib("8Gi")).to.equal(8388608n);
    expect(toBytes("24Gi")).to.equal(25769803776n);
    expect(toBytes("512Mi")).to.equal(536870912n);
    // A double prints this one as 1099510528000000000-something else.
    expect(toBytes("999999Ti")).to.equal(999999n * 1099511627776n);
  });

  it("agree between units", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), (n) => {
        expect(toBytes(`${n}Ti`)).to.equal(toBytes(`${n * 1024}Gi`));
        expect(toBytes(`${n}Gi`)).to.equal(toBytes(`${n * 1024}Mi`));
        expect(toKib(`${n}Mi`) * 1024n).to.equal(toBytes(`${n}Mi`));
      }),
    );
  });

  it("fail for other forms", () => {
    for (const wrong of ["8", "8G", "8GB", "0Gi", "1.5Gi", " 8Gi", "-1Gi"]) {
      expect(() => toBytes(wrong), wrong).to.throw("not a size");
    }
  });
});
