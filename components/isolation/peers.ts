import { isIPv4 } from "node:net";
import type { Homelab } from "../../config/homelab";
import { API_PORT } from "../../nodes/k3s/config";
import { MONITORING_NAMESPACE } from "../monitoring/names";

/** Labels by which pods are chosen, in the form of a Kubernetes selector. */
export interface PodSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: "In" | "NotIn" | "Exists"; values?: string[] }[];
}

/** A rule of a CiliumNetworkPolicy (cilium.io/v2), for one direction. */
export type FlowRule = Record<string, unknown>;

/** What some pods of a namespace may do, on top of its default deny. */
export interface Flow {
  /** Name of the CiliumNetworkPolicy. */
  name: string;
  pods: PodSelector;
  ingress?: FlowRule[];
  egress?: FlowRule[];
}

/** Label of Cilium's own by which a peer in another namespace is chosen; without it a peer is in the policy's own. */
const NAMESPACE_LABEL = "k8s:io.kubernetes.pod.namespace";

export const everyPod: PodSelector = {};

export function labelled(key: string, value: string): PodSelector {
  return { matchLabels: { [key]: value } };
}

/** Pods by the label that most charts set. */
export function named(name: string): PodSelector {
  return labelled("app.kubernetes.io/name", name);
}

/** Every pod of the namespace but those. */
export function allBut(key: string, ...values: string[]): PodSelector {
  return { matchExpressions: [{ key, operator: "NotIn", values }] };
}

/** The same pods, seen from another namespace. */
export function inNamespace(namespace: string, { matchLabels = {} }: PodSelector): PodSelector {
  const prefixed = Object.entries(matchLabels).map(([key, value]) => [`k8s:${key}`, value] as const);
  return { matchLabels: { [NAMESPACE_LABEL]: namespace, ...Object.fromEntries(prefixed) } };
}

/** The policy's port is the pod's, not the Service's: Cilium translates before it judges. */
function tcp(ports: readonly number[]): FlowRule {
  return ports.length === 0
    ? {}
    : { toPorts: [{ ports: ports.map((port) => ({ port: String(port), protocol: "TCP" })) }] };
}

export function from(peers: readonly PodSelector[], ...ports: number[]): FlowRule {
  return { fromEndpoints: peers, ...tcp(ports) };
}

export function to(peers: readonly PodSelector[], ...ports: number[]): FlowRule {
  return { toEndpoints: peers, ...tcp(ports) };
}

/** Traffic through the gateway has Cilium's identity `ingress`, which no NetworkPolicy of Kubernetes can name. */
export function fromGateway(...ports: number[]): FlowRule {
  return { fromEntities: ["ingress"], ...tcp(ports) };
}

export function fromPrometheus(...ports: number[]): FlowRule {
  return from([inNamespace(MONITORING_NAMESPACE, named("prometheus"))], ...ports);
}

/**
 * From nodes, and from the API server, which calls webhooks: in a tunnel its source is the node's own pod address, which
 * is `remote-node` and not `kube-apiserver`.
 */
export function fromNodes(...ports: number[]): FlowRule {
  return { fromEntities: ["kube-apiserver", "remote-node", "host"], ...tcp(ports) };
}

/** To machines of the cluster themselves, each by whatever Cilium calls it. */
export function toNodes(...ports: number[]): FlowRule {
  return { toEntities: ["kube-apiserver", "remote-node", "host"], ...tcp(ports) };
}

/** The same peers by ping instead of a port; a rule of Cilium's has either. Echo request is type 8 of ICMPv4. */
export function byPing(rule: FlowRule): FlowRule {
  const peers = Object.entries(rule).filter(([key]) => key !== "toPorts");
  return { ...Object.fromEntries(peers), icmps: [{ fields: [{ family: "IPv4", type: 8 }] }] };
}

export const toApiServer: FlowRule = { toEntities: ["kube-apiserver"], ...tcp([API_PORT]) };

/** To public names of the house, which the cluster's DNS answers with the gateway's address. */
export function toGateway({ network }: Homelab, ...ports: number[]): FlowRule[] {
  return [
    { toEntities: ["ingress"], ...tcp(ports) },
    { toCIDR: [`${network.gateway.ip}/32`], ...tcp(ports) },
  ];
}

/**
 * To a server outside of the cluster, by its name or IPv4 address. A name works only where the pod asks for it through
 * Cilium's DNS proxy (`dnsThroughProxy`).
 */
export function toServer(host: string, port: number): FlowRule {
  return isIPv4(host)
    ? { toCIDR: [`${host}/32`], ...tcp([port]) }
    : { toFQDNs: [{ matchName: host.toLowerCase() }], ...tcp([port]) };
}

/** Whether a namespace has a flow to names, and its DNS hence goes through Cilium's proxy. */
export function usesNames(flows: readonly Flow[]): boolean {
  return flows.some(({ egress = [] }) => egress.some((rule) => "toFQDNs" in rule));
}

/** The cluster's DNS, by Cilium's proxy, which learns the addresses behind the names that `toServer` allows. */
export const dnsThroughProxy: FlowRule = {
  toEndpoints: [inNamespace("kube-system", labelled("k8s-app", "kube-dns"))],
  toPorts: [
    {
      ports: [
        { port: "53", protocol: "UDP" },
        { port: "53", protocol: "TCP" },
      ],
      rules: { dns: [{ matchPattern: "*" }] },
    },
  ],
};
