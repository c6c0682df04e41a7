import { expect } from "chai";
import { memoryOfPods } from "../../../config/apps/memory";

const app = (initContainers?: unknown) => ({
  resources: { memoryLimit: "2Gi" },
  jobs: {},
  pod: initContainers === undefined ? {} : { initContainers },
});
const limited = (memory: string | number, more: object = {}) => ({ resources: { limits: { memory } }, ...more });
const STAYS = { restartPolicy: "Always" };

describe("memory of an app's pods, as a quota counts it", () => {
  it("is the limit of its container, and of each job", () => {
    expect(memoryOfPods(app())).to.deep.equal([2048]);
    expect(memoryOfPods({ ...app(), jobs: { pull: {}, seed: {} } })).to.deep.equal([2048, 512, 512]);
  });

  it("counts an init container that ends only where it is larger than what runs later", () => {
    expect(memoryOfPods(app([limited("1Gi")]))).to.deep.equal([2048]);
    expect(memoryOfPods(app([limited("3G"), limited("1Gi")]))).to.deep.equal([2862]);
  });

  it("adds one that stays, and what the namespace gives to a container that states nothing", () => {
    expect(memoryOfPods(app([limited("1Gi", STAYS)]))).to.deep.equal([3072]);
    expect(memoryOfPods(app([STAYS, limited("2.5Gi")]))).to.deep.equal([3584]);
  });
});
