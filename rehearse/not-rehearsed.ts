import type { Homelab } from "../config/homelab";
import { CHART_REASON } from "./artefacts/charts";

/** Release names of the charts, as the program gives them. */
const RELEASES = [
  ...["cilium", "longhorn", "cert-manager", "kube-prometheus-stack"],
  ...["loki", "alloy", "authentik", "velero"],
  ...["oauth2-proxy-prometheus", "oauth2-proxy-alertmanager", "oauth2-proxy-longhorn"],
] as const;

/** Kinds whose objects the API server takes, while the controller that would answer is not here. */
const GROUPS: Readonly<Record<string, string>> = {
  "gateway.networking.k8s.io": "no Cilium here that would serve it",
  "cilium.io": "no Cilium here that would serve it",
  "cert-manager.io": "no cert-manager here that would issue it",
  "longhorn.io": "no Longhorn here that would act on it",
  "velero.io": "no Velero here that would act on it",
};

/** Gates that ask what only a controller, or a program inside of a pod, could answer. */
const GATES: Readonly<Record<string, string>> = {
  "cilium-operator-ready": "asks Cilium's operator, which is not here",
  "cluster-dns-answers": "asks the cluster's DNS, whose pod is not real",
  "certificates-ready": "asks cert-manager and Let's Encrypt, which are not here",
  "longhorn-csi": "asks the kubelet for a driver, which is not here",
  "longhorn-nodes": "asks Longhorn's manager, which is not here",
  "longhorn-disks": "asks Longhorn's manager, which is not here",
  "velero-location": "asks Velero, which is not here, for a bucket in the internet",
  "authentik-discovery": "runs a command in Authentik's pod, which is not real",
};

/** What stands in for what, in every step that uses it. */
export const STAND_INS: readonly string[] = [
  "the K3s binary: Kubernetes' own API server, controllers, scheduler and etcd, compiled here",
  "nodes' pods: KWOK says that they run, and nothing runs in them",
  "Ubuntu's cloud image and the workers' system: Debian 12",
  "the hypervisor's hardware: a container with systemd, sshd and libvirtd, and no NFS server",
];

/**
 * What a rehearsal without upstream's charts cannot show, by name, with the reason; the report lists each. Nodes' disks in
 * Longhorn are patches of objects that its manager makes.
 */
export function notRehearsed({ workers }: Homelab): Record<string, string> {
  return {
    ...Object.fromEntries(RELEASES.map((name) => [name, CHART_REASON])),
    ...GROUPS,
    ...GATES,
    ...Object.fromEntries(
      workers.map(({ name }) => [
        `kubernetes:longhorn.io/v1beta2:NodePatch::longhorn-disks-${name}`,
        "changes an object of Longhorn's manager, which is not here",
      ]),
    ),
    "v1/Service": "no Cilium here that would give it an address",
  };
}
