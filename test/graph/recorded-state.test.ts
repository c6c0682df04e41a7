import { expect } from "chai";
import { houseOfNobody, readOldState, stateOf, type StateResource } from "../support/old-state";

/** Without an engine: test/engine judges the rest of the same recording. */
describe("graph: the recorded state of the home stack", () => {
  const kept = (resources: readonly StateResource[], how: "protect" | "retainOnDelete") =>
    resources.filter((resource) => resource[how]).map(({ urn }) => urn);

  let resources: readonly StateResource[];
  before(async () => {
    resources = await stateOf("home", houseOfNobody());
  });

  for (const how of ["protect", "retainOnDelete"] as const) {
    it(`what had the option ${how} has it still, under the same name`, () => {
      const now = kept(resources, how);
      const before = kept(readOldState(), how);
      expect(before).not.to.deep.equal([]);
      expect(before.filter((urn) => !now.includes(urn))).to.deep.equal([]);
    });
  }
});
