import { labelKeyProblem, labelProblem, labelValueProblem } from "../labels";
import type { ConfigIssue } from "../issues";
import type { RawHomelab } from "../schema";
import { issueIf, type Check } from "./check";

const nodes = (machines: RawHomelab["machines"]) =>
  Object.entries(machines).flatMap(([name, machine]) => (machine.role === "hypervisor" ? [] : [{ name, machine }]));

const labels: Check = {
  name: "node labels are ones that a kubelet takes",
  run({ machines }) {
    return nodes(machines).flatMap(({ name, machine }) =>
      Object.entries(machine.labels).flatMap(([key, value]): ConfigIssue[] => {
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
    return nodes(machines).flatMap(({ name, machine }) =>
      machine.taints.flatMap((taint, index) => {
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
