import { expect } from "chai";
import { ENCRYPTED, findPlaceholders, isPlaceholder, isReadable } from "../../config/placeholders";
import { home, homeConfig } from "../support/home";

describe("placeholders", () => {
  it("are found in lists and objects, in the order of the file, with their hints", () => {
    expect(findPlaceholders({ a: ["x", "FILL_ME: first"], b: { c: "FILL_ME" }, d: 1, e: null })).to.deep.equal([
      { path: "a[1]", hint: "first" },
      { path: "b.c", hint: "" },
    ]);
  });

  it("are those of the file, no more and no fewer", () => {
    const inFile = JSON.stringify(homeConfig()).match(/"FILL_ME/g) ?? [];
    expect(home().placeholders).to.have.lengthOf(inFile.length);
  });

  it("begin with the mark", () => {
    expect(["FILL_ME", "FILL_ME: x", "please FILL_ME", "", undefined, 1].map(isPlaceholder)).to.deep.equal([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("are no secrets whose form could be judged, and neither is what is encrypted", () => {
    expect([ENCRYPTED, "FILL_ME: x", "x"].map(isReadable)).to.deep.equal([false, false, true]);
  });
});
