import { expect } from "chai";
import { GeneratedSecrets } from "../components/secrets";
import { record } from "../plan/record";

describe("generated secrets", () => {
  it("are all protected, because a restore needs them", async () => {
    const { resources } = await record(() => {
      new GeneratedSecrets("secrets", { apps: [], cluster: { rotations: { clients: 0, cookies: 0, apps: 0 } } });
    });
    const generated = resources.filter(({ type }) => type.startsWith("random:"));
    expect(generated).to.have.length.greaterThan(10);
    expect(generated.filter(({ protect }) => !protect).map(({ name }) => name)).to.deep.equal([]);
  });
});
