import { nthAddress } from "../../../config/cidr";
import type { Homelab, Hypervisor } from "../../../config/homelab";
import { API_PORT } from "../../../nodes/k3s/config";
import { oidcEndpoints } from "../../identity/oidc";

/** Job of every series of the probers. */
export const PROBER_JOB = "prober";

/** Port of the kubelet, the one thing that every node of K3s listens with. */
export const KUBELET_PORT = 10250;
export const NFS_PORT = 2049;

/** The layer that a probe needs, and everything below it. */
export type Layer = "L3" | "L4" | "L7";

/** How the exporter asks: names of its modules (prober-manifests.ts). */
export type Module = "ping" | "tcp" | "tls" | "api" | "dns" | "http";

/** What every node asks, every 30 seconds. `subject` and `peer` are labels of the series, beside `layer`. */
export interface Probe {
  subject: "node" | "api" | "service" | "dns" | "router" | "gateway" | "login" | "server";
  /** Name of the machine or service that is asked. */
  peer: string;
  layer: Layer;
  module: Module;
  /** Address, address:port or URL. */
  target: string;
}

/** Machines that export something by NFS. */
export function nfsServers({ hypervisors }: Homelab): readonly Hypervisor[] {
  return hypervisors.filter((machine) => Object.keys(machine.exports).length > 0);
}

/**
 * Layer by layer, so that an alert can say which one broke: other nodes (ping, then the kubelet's port), the API server
 * (port, then HTTPS), a service's virtual address, the cluster's DNS, and what the house stands on.
 *
 * A node does not ask itself. Its own address needs no network.
 */
export function probes(homelab: Homelab): Probe[] {
  const { controlPlane, network, nodes, clusterDns, hosts } = homelab;
  const api = `${controlPlane.address}:${API_PORT}`;
  return [
    ...(nodes.length > 1
      ? nodes.flatMap(({ name, address }): Probe[] => [
          { subject: "node", peer: name, layer: "L3", module: "ping", target: address },
          { subject: "node", peer: name, layer: "L4", module: "tcp", target: `${address}:${KUBELET_PORT}` },
        ])
      : []),
    { subject: "api", peer: controlPlane.name, layer: "L4", module: "tcp", target: api },
    { subject: "api", peer: controlPlane.name, layer: "L7", module: "api", target: `https://${api}/readyz` },
    // The API server's own service: the first address of the service network (Kubernetes reserves it).
    {
      subject: "service",
      peer: "kubernetes",
      layer: "L4",
      module: "tcp",
      target: `${nthAddress(network.serviceCidr, 1)}:443`,
    },
    { subject: "dns", peer: "kube-dns", layer: "L7", module: "dns", target: `${clusterDns}:53` },
    { subject: "router", peer: "router", layer: "L3", module: "ping", target: network.lan.router },
    // TLS ends at the gateway, so this asks nobody behind it.
    { subject: "gateway", peer: "gateway", layer: "L4", module: "tls", target: `${hosts.authentik}:443` },
    {
      subject: "login",
      peer: "authentik",
      layer: "L7",
      module: "http",
      target: oidcEndpoints(homelab, "grafana").discovery,
    },
    ...nfsServers(homelab).flatMap(({ name, address }): Probe[] => [
      { subject: "server", peer: name, layer: "L3", module: "ping", target: address },
      { subject: "server", peer: name, layer: "L4", module: "tcp", target: `${address}:${NFS_PORT}` },
    ]),
  ];
}

/** PromQL: 1 for each node (label `node`) that got an answer, 0 for each that did not. */
export function answered(subject: Probe["subject"], layer: Layer): string {
  return `probe_success{job="${PROBER_JOB}", subject="${subject}", layer="${layer}"}`;
}
