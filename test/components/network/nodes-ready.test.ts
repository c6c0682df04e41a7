import { expect } from "chai";
import { renderStep } from "../../../nodes/host-script";
import { needKubectl, runGate, type ApiObject } from "../../support/fake-api";
import { shellcheck } from "../../nodes/shellcheck";

type Taint = { key: string; value?: string; effect: string };

const node = (name: string, ...taints: Taint[]): ApiObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  spec: taints.length > 0 ? { taints } : {},
  status: { conditions: [{ type: "Ready", status: "True" }] },
});

const controlPlane = { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" };
const own = { key: "gpu", value: "t4", effect: "NoExecute" };

describe("gate of the nodes, run by the real kubectl", function () {
  this.timeout(60_000);

  before(function () {
    needKubectl(this);
  });

  const asked = (TAINTS: string[], ...objects: ApiObject[]) =>
    runGate("nodes-ready.sh", { NODES: objects.map(({ metadata }) => metadata.name), TAINTS }, objects);

  it("passes where taints are as configured, whatever a node's state or somebody's preference adds", async () => {
    const wanted = ["one node-role.kubernetes.io/control-plane:NoSchedule", "two gpu=t4:NoExecute"];
    const busy = [
      { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
      { key: "node.cilium.io/agent-not-ready", effect: "NoSchedule" },
      { key: "mine", effect: "PreferNoSchedule" },
    ];
    const objects = [node("one", controlPlane), node("two", own, ...busy), node("three")];
    expect(await asked(wanted, ...objects)).to.deep.equal({ status: 0, output: "" });
    expect(await asked([], node("one"), node("two"))).to.deep.equal({ status: 0, output: "" });
  });

  it("names every taint that lacks or is too many, with the command, because K3s changes none of a node that has joined", async () => {
    const { status, output } = await asked(["one gpu=t4:NoExecute"], node("one", controlPlane), node("two", own));
    expect(status).to.equal(1);
    expect(output.match(/^ {2}kubectl .*$/gm)).to.deep.equal([
      "  kubectl taint nodes one --overwrite gpu=t4:NoExecute",
      "  kubectl taint nodes one node-role.kubernetes.io/control-plane:NoSchedule-",
      "  kubectl taint nodes two gpu:NoExecute-",
    ]);
  });

  it("a value that has changed is overwritten and not taken away; one that is a node's own kind may be configured", async () => {
    const { output } = await asked(["one gpu=a10:NoExecute"], node("one", own));
    expect(output.match(/^ {2}kubectl .*$/gm)).to.deep.equal([
      "  kubectl taint nodes one --overwrite gpu=a10:NoExecute",
    ]);
    const away = { key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" };
    const wanted = ["one node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"];
    expect(await asked(wanted, node("one", away))).to.deep.equal({ status: 0, output: "" });
  });
});

describe("gate of the nodes as text", () => {
  it("passes shellcheck", function () {
    const variables = { NODES: ["k3s1"], TAINTS: ["k3s1 gpu=t4:NoExecute"] };
    const script = renderStep({ name: "gate", source: "gates/nodes-ready.sh", variables, timeoutSeconds: 60 });
    shellcheck(this, script);
  });
});
