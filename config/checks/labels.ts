import { labelKeyProblem, labelProblem, labelValueProblem } from "../labels";
import type { ConfigIssue } from "../issues";
import { ofEach } from "../readable";
import type { RawHomelab } from "../schema";
import { issueIf, type Check } from "./check";

type Machines = RawHomelab["machines"];
type Node = Exclude<Machines[string], { role: "hypervisor" }>;

const nodes = (machines: Machines) =>
  Object.entries(machines).flatMap(([name, machine]) => (machine.role === "hypervisor" ? [] : [{ name, machine }]));

const ofEachNode = (machines: Machines, judge: (machine: Node, name: string) => ConfigIssue[]) =>
  ofEach(machines, (machine, name) => (machine.role === "hypervisor" ? [] : judge(machine, name)));

const labels: Check = {
  name: "node labels are ones that a kubelet takes",
  run({ machines }) {
    return ofEachNode(machines, (machine, name) =>
      ofEach(machine.labels, (value, key) => {
        const problem = labelProblem(key, value);
        return issueIf(problem !== undefined, () => ({
          path: `machines.${name}.labels.${key}`,
          found: `${key}=${value}`,
          allowed:
            "a label of Kubernetes: an optional DNS prefix and a name, and a value, of at most 63 characters each",
          fix: `${problem}; use a name of your own such as homelab/kind`,
        }));
      }),
    );
  },
};

const taints: Check = {
  name: "taints are well-formed",
  run({ machines }) {
    return ofEachNode(machines, (machine, name) =>
      ofEach(machine.taints, (taint, index) => {
        const [, key = "", value = ""] = /^([^=:]+)(?:=([^:]*))?:/.exec(taint) ?? [];
        const problem = labelKeyProblem(key) ?? labelValueProblem(value);
        return issueIf(problem !== undefined, () => ({
          path: `machines.${name}.taints[${index}]`,
          found: taint,
          allowed: "key=value:effect with key and value in the form of labels",
          fix: problem ?? "",
        }));
      }),
    );
  },
};

const schedulable: Check = {
  name: "pods may run somewhere",
  run({ machines }) {
    const all = nodes(machines);
    const workers = all.filter(({ machine }) => machine.role === "worker");
    // K3s taints the control plane as soon as there are workers.
    const [first, ...others] = workers.length > 0 ? workers : all;
    const hard = (taint: string) => !taint.endsWith(":PreferNoSchedule");
    const closed = first !== undefined && [first, ...others].every(({ machine }) => machine.taints.some(hard));
    return issueIf(closed, () => ({
      path: `machines.${first.name}.taints`,
      found: first.machine.taints.join(", "),
      allowed: `no taint NoSchedule or NoExecute on at least one ${workers.length > 0 ? "worker" : "node"}: now all of them keep ordinary pods away`,
      fix: others.length === 0 ? "remove the taints: there is no other" : "remove the taints of one of them",
    }));
  },
};

export const labelChecks: readonly Check[] = [labels, taints, schedulable];
