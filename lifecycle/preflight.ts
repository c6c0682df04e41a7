import type { Homelab, Machine, NodeMachine, Worker } from "../config/homelab";
import { nearest } from "../config/nearest";
import { UserError } from "../plan/user-error";
import type { ClusterFacts, NodeFacts, Refusal } from "./facts";
import { planDrain } from "./pods";
import { localVolumeRefusals, longhornRefusals, soleCopies, volumeName } from "./volumes";

/** What a look at a machine over SSH has found. */
export type HostFinding =
  /** It has the pinned host key and the configured identity. */
  | { readonly kind: "itself"; readonly machineId: string }
  /** Something answers, and has shown that it is not the machine of the configuration: by its host key or its identity. */
  | { readonly kind: "other"; readonly detail: string }
  /**
   * It may well be that machine, alive, and cannot be asked: no login, no sudo, SSH that refuses or hangs. Whatever is
   * neither silence nor proof of another machine is this.
   */
  | { readonly kind: "locked"; readonly detail: string }
  /** No answer to a TCP connection at all, not even a refusal. */
  | { readonly kind: "silent"; readonly detail: string };

export type Command = "remove" | "forget" | "drain" | "uncordon";

/**
 * The machine that a command may be used on.
 *
 * @throws UserError for an unknown name, a machine that is no node, the control plane, and placeholders.
 */
export function nodeOf(homelab: Homelab, name: string, command: Command, stackFile: string): NodeMachine {
  const machines: Machine[] = [...homelab.hypervisors, ...homelab.nodes];
  const machine = machines.find((one) => one.name === name);
  if (!machine) {
    const names = homelab.nodes.map((node) => node.name);
    const close = nearest(name, names);
    throw new UserError(
      `${name}: no machine of that name in ${stackFile}${close === undefined ? "" : `; did you mean ${close}?`}
Its nodes are ${names.join(", ")}. A node whose lines are gone already still has to be taken out: put them back, run
the command, and take them out again.`,
    );
  }
  if (machine.role === "hypervisor") {
    throw new UserError(`${name} is a hypervisor, no node of the cluster; there is nothing to ${command}.`);
  }
  if (machine.role === "control-plane" && (command === "remove" || command === "forget")) {
    throw new UserError(controlPlaneRefusal(homelab, name, command));
  }
  return machine;
}

/** A worker, as only workers come and go. */
export function workerOf(homelab: Homelab, name: string, command: Command, stackFile: string): Worker {
  const machine = nodeOf(homelab, name, command, stackFile);
  if (machine.role !== "worker") {
    throw new Error(`${name} is no worker, which nodeOf should have refused`);
  }
  const open = homelab.placeholders.filter(({ path }) => path.startsWith(`machines.${name}.`));
  const needed = open.filter(({ path }) => /\.(hostKey|identity\.value)$/.test(path));
  if (needed.length > 0) {
    throw new UserError(
      `${needed.map(({ path, hint }) => `${path} is a placeholder (${hint})`).join("\n")}
Without host key and identity nobody can tell whether the machine at ${machine.address} is ${name}; nothing was touched.`,
    );
  }
  return machine;
}

function controlPlaneRefusal(homelab: Homelab, name: string, command: Command): string {
  const { generation } = homelab.cluster;
  return `${name} is the control plane: it holds etcd, and without it there is no cluster to ${command} it from; nothing was touched.
To make it anew, raise cluster.generation to ${generation + 1}, set backup.mode to restore, and run pulumi up: see "On a bad day"
in the README, and runbooks/restore.md. To get one back that is only down, start it: virsh list --all on its hypervisor.`;
}

/**
 * Refuses a cluster that is not the one of the configuration, in which a node of the same name may be somebody else's.
 *
 * @throws UserError if the control plane is missing there or has another address, or the node has.
 */
export function requireSameCluster(homelab: Homelab, name: string, facts: Pick<ClusterFacts, "nodes">): void {
  const wrong = [homelab.controlPlane, ...homelab.nodes.filter((node) => node.name === name)].flatMap((machine) => {
    const node = nodeNamed(facts, machine.name);
    if (!node) {
      return machine.role === "control-plane" ? [`it has no node ${machine.name}`] : [];
    }
    return node.address === machine.address
      ? []
      : [
          `its node ${machine.name} has the address ${node.address ?? "none"}, the configuration says ${machine.address}`,
        ];
  });
  if (wrong.length > 0) {
    throw new UserError(
      `This is another cluster: ${wrong.join("; ")}. It has the nodes ${facts.nodes.map((node) => node.name).join(", ") || "(none)"}.
Nothing was touched. Give the stack with --stack, or the right kubeconfig with --kubeconfig.`,
    );
  }
}

export function nodeNamed(facts: Pick<ClusterFacts, "nodes">, name: string): NodeFacts | undefined {
  return facts.nodes.find((node) => node.name === name);
}

/** Everything that stands in the way of taking a living node out for good. */
export function removalRefusals(worker: Worker, facts: ClusterFacts, host: HostFinding): Refusal[] {
  const { name } = worker;
  return [
    ...hostRefusals(worker, host),
    ...(facts.longhorn ? longhornRefusals(facts.longhorn, name) : []),
    ...localVolumeRefusals(facts.localVolumes, name),
    ...planDrain(facts.pods, facts.budgets).refusals,
  ];
}

function hostRefusals({ name, address }: Worker, host: HostFinding): Refusal[] {
  const what = `machine ${name} (${address})`;
  switch (host.kind) {
    case "itself":
      return [];
    case "silent":
      return [
        {
          what,
          why: `it does not answer: ${host.detail}`,
          wayOut: `bring it up. If it is dead for good: npm run node -- forget ${name}`,
        },
      ];
    case "locked":
      return [
        {
          what,
          why: `it cannot be asked: ${host.detail}`,
          wayOut:
            "see whether sshd works there; load the key into your SSH agent, or give it with --identity-file; the user needs passwordless sudo",
        },
      ];
    case "other":
      return [
        {
          what,
          why: `another machine answers there: ${host.detail}`,
          wayOut: `correct machines.${name}.ssh.hostKey and .identity if it is the right one; if ${name} is dead: npm run node -- forget ${name}`,
        },
      ];
  }
}

/** What a person has decided about volumes whose only copy was on a dead machine. */
export type FateOfVolumes = "undecided" | "keep" | "give-up";

/** Everything that stands in the way of forgetting a machine as dead. */
export function forgetRefusals(worker: Worker, facts: ClusterFacts, host: HostFinding, fate: FateOfVolumes): Refusal[] {
  const { name, address } = worker;
  const refusals: Refusal[] = [];
  const node = nodeNamed(facts, name);
  // The Node may be that of a machine before: then the configuration names the new one already, which cannot join yet.
  const isNew = host.kind === "itself" && node?.machineId !== undefined && node.machineId !== host.machineId;
  const what = `machine ${name} (${address})`;
  if (host.kind === "itself" && !isNew) {
    refusals.push({
      what,
      why: "it is alive: it answers on SSH with the configured host key and identity",
      wayOut: `npm run node -- remove ${name}; or switch the machine off, for good`,
    });
  }
  if (host.kind === "locked") {
    refusals.push({
      what,
      why: `it may be alive, and its pods write on: ${host.detail}`,
      wayOut: `switch the machine off, for good; or make SSH work and: npm run node -- remove ${name}`,
    });
  }
  if (node?.ready) {
    refusals.push({
      what: `node ${name}`,
      why: "it is Ready: its kubelet is at work, so pods would run twice and write to the same volumes twice",
      wayOut: `npm run node -- remove ${name}; or switch the machine off and wait a minute`,
    });
  }
  if (facts.longhorn && fate === "undecided") {
    refusals.push(
      ...soleCopies(facts.longhorn, name).map((volume) => ({
        what: volumeName(volume),
        why: `its only copy is on the disks of ${name}`,
        wayOut: `if those disks will be in the new machine, say --keep-volumes: Longhorn finds them by what is written on them. If they are lost, say --give-up-volumes, and restore from a backup`,
      })),
    );
  }
  return refusals;
}
