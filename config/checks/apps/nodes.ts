import type { RawHomelab } from "../../schema";
import type { App } from "./check";

type Machines = RawHomelab["machines"];

/** A node with a GPU, and how many apps it can serve. */
export interface GpuNode {
  name: string;
  shares: number;
}

/** Machines that run K3s. */
export function clusterMachines(machines: Machines): [name: string, machine: Machines[string]][] {
  return Object.entries(machines).filter(([, { role }]) => role !== "hypervisor");
}

/** Nodes that no taint of ours keeps pods off: all but a control plane beside workers. */
export function openNodes(machines: Machines): string[] {
  const nodes = clusterMachines(machines);
  return nodes.filter(([, { role }]) => role === "worker" || nodes.length === 1).map(([name]) => name);
}

/** Nodes, among those that an app names, with the GPU that it asks for. */
export function gpuNodes(machines: Machines, { gpu, nodes }: App): GpuNode[] {
  return Object.entries(machines).flatMap(([name, machine]) => {
    const shares =
      machine.role !== "worker" ? undefined : gpu === "nvidia" ? machine.gpu?.slices : machine.quickSync?.sharedBy;
    return shares !== undefined && (nodes?.includes(name) ?? true) ? [{ name, shares }] : [];
  });
}

/** Machines on which an app may run: those that it names or that are open, with the GPU that it asks for. */
export function candidates(machines: Machines, app: App): [name: string, machine: Machines[string]][] {
  const names = app.nodes ?? openNodes(machines);
  const able = app.gpu === undefined ? names : gpuNodes(machines, app).map(({ name }) => name);
  return clusterMachines(machines).filter(([name]) => names.includes(name) && able.includes(name));
}
