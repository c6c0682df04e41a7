import { expect } from "chai";
import { labelKeyProblem, labelValueProblem, reservedLabelProblem } from "../../config/labels";

describe("labels", () => {
  for (const key of ["a", "homelab/kind", "example.org/a_b.c-d", "A9", "x".repeat(63)]) {
    it(`takes the key ${key}`, () => expect(labelKeyProblem(key)).to.equal(undefined));
  }
  for (const key of ["", "-a", "a-", "a b", "/a", "a/", "A.example/a", "a/b/c", "x".repeat(64)]) {
    it(`refuses the key '${key}'`, () => expect(labelKeyProblem(key)).to.be.a("string"));
  }
  it("judges values like names, and takes none at all", () => {
    expect(["", "true", "a.b_c-d", "9"].map(labelValueProblem)).to.deep.equal([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    for (const value of ["a b", "-", "a/b", "x".repeat(64)]) {
      expect(labelValueProblem(value), value).to.be.a("string");
    }
  });
  for (const key of ["node-role.kubernetes.io/worker", "kubernetes.io/x", "storage.k8s.io/tier"]) {
    it(`a kubelet refuses to start with ${key}`, () =>
      expect(reservedLabelProblem(key)).to.include("refuses to start"));
  }
  for (const key of [
    "node.kubernetes.io/x",
    "a.kubelet.kubernetes.io/x",
    "topology.kubernetes.io/zone",
    "nvidia.com/gpu.present",
    "mykubernetes.io/x",
  ]) {
    it(`a kubelet takes ${key}`, () => expect(reservedLabelProblem(key)).to.equal(undefined));
  }
});
