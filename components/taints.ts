import type { Homelab, NodeMachine } from "../config/homelab";
import { serverConfig } from "../nodes/k3s/config";

/** A toleration in the form of a pod's spec. */
export interface Toleration {
  key: string;
  operator: "Equal" | "Exists";
  value?: string;
  effect: string;
}

/**
 * Taints of a node that keep pods away, as `key=value:effect` or `key:effect`. Of the control plane, those that K3s is
 * given, because it adds one of its own as soon as there are workers.
 */
export function hardTaints(homelab: Homelab, node: NodeMachine): readonly string[] {
  const taints = node.role === "control-plane" ? (serverConfig(homelab)["node-taint"] ?? []) : node.taints;
  // An empty value is none, and so the API server shows it.
  return taints.map((taint) => taint.replace("=:", ":")).filter((taint) => !taint.endsWith(":PreferNoSchedule"));
}

/** Every hard taint of these nodes, once each, in the order of the configuration. */
export function taintsOf(homelab: Homelab, nodes: readonly NodeMachine[]): string[] {
  return [...new Set(nodes.flatMap((node) => hardTaints(homelab, node)))];
}

/** What a pod must tolerate to run on each of these nodes. */
export function tolerationsFor(homelab: Homelab, nodes: readonly NodeMachine[]): Toleration[] {
  return taintsOf(homelab, nodes).map((taint) => {
    const [, key, value, effect] = /^([^=:]+)(?:=([^:]*))?:(.+)$/.exec(taint) ?? [];
    return value === undefined ? { key, operator: "Exists", effect } : { key, operator: "Equal", value, effect };
  });
}
