import type { ChartName } from "../config/pins";
import { CHART_REASON } from "./artefacts/charts";
import { because, type BundleName, type Choice, type Source } from "./artefacts/choice";

/** Releases of the program, as it names them, and the charts that they are of. */
const RELEASES: Readonly<Record<string, ChartName>> = {
  cilium: "cilium",
  longhorn: "longhorn",
  "cert-manager": "certManager",
  "kube-prometheus-stack": "kubePrometheusStack",
  loki: "loki",
  alloy: "alloy",
  authentik: "authentik",
  velero: "velero",
  "oauth2-proxy-prometheus": "oauth2Proxy",
  "oauth2-proxy-alertmanager": "oauth2Proxy",
  "oauth2-proxy-longhorn": "oauth2Proxy",
};

/** Charts that a rehearsal uses; without GPUs and NFS exports these are fewer than a stack pins. */
export const REHEARSED_CHARTS: readonly ChartName[] = [...new Set(Object.values(RELEASES))];

/** Kinds whose objects the API server takes, while the controller that would answer is not here. */
const GROUPS: Readonly<Record<string, string>> = {
  "gateway.networking.k8s.io": "no Cilium here that would serve it",
  "cilium.io": "no Cilium here that would serve it",
  "cert-manager.io": "no cert-manager here that would issue it",
  "longhorn.io": "no Longhorn here that would act on it",
  "velero.io": "no Velero here that would act on it",
};

/** Of kinds that real charts alone have. */
const OPERATOR = "no Prometheus operator here that would act on it";

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

/** What is in the internet, which no machine of a rehearsal reaches, whatever else is real. */
const INTERNET: Readonly<Record<string, string>> = {
  "cert-manager.io": "Let's Encrypt, which would issue it, is in the internet",
  "certificates-ready": "asks for certificates of Let's Encrypt, which is in the internet",
  "velero-location": "asks for a bucket of Backblaze, which is in the internet",
};

/** A real chart's webhooks lead to pods; where these are not real, the API server would refuse whatever it asks about. */
const WEBHOOKS: Readonly<Record<string, string>> = Object.fromEntries(
  ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].map((kind) => [
    `kubernetes:admissionregistration.k8s.io/v1:${kind}`,
    "no pod here that would answer it",
  ]),
);

const K3S = "the K3s binary: Kubernetes' own API server, controllers, scheduler and etcd, compiled here";
const PODS = "nodes' pods: KWOK says that they run, and nothing runs in them";
const SYSTEMS = "Ubuntu's cloud image and the workers' system: Debian 12";
/** Why it is so with a mirror, too. */
const PACKAGES = ", because packages are in no mirror, and this LAN leads nowhere";
const HARDWARE = "the hypervisor's hardware: a container with systemd, sshd and libvirtd, and no NFS server";
const BUNDLES: Readonly<Record<BundleName, string>> = {
  gatewayApi: "the CRDs of Gateway API: from the schemas of test/contracts",
  prometheusOperatorCrds: "the CRDs of the Prometheus operator: from the schemas of test/contracts",
};

/**
 * What stands in for what, in every step that uses it; a chart is named by its own steps, see notRehearsed.
 *
 * @param nodesOnly nothing goes into the cluster, so no CRDs either.
 */
export function standIns({ k3s, bundles }: Choice, nodesOnly = false): string[] {
  // Without a mirror nothing lacks in it.
  const lacking = (Object.keys(BUNDLES) as BundleName[]).filter(
    (name) => !nodesOnly && typeof bundles[name] === "object",
  );
  return [
    ...(k3s === "real" ? [] : [`${K3S}${because(k3s)}`, PODS]),
    `${SYSTEMS}${k3s === "stand-in" ? "" : PACKAGES}`,
    HARDWARE,
    ...lacking.map((name) => `${BUNDLES[name]}${because(bundles[name])}`),
  ];
}

/** What `--only nodes` leaves out as a whole. */
export function leftOut({ k3s }: Choice, nodesOnly: boolean): string[] {
  const waiting = "; until it has its network there, no node of this K3s is Ready";
  return nodesOnly ? [`what is in the cluster: --only nodes leaves it out${k3s === "real" ? waiting : ""}`] : [];
}

/** What a rehearsal cannot show, by name, with the reason; the report lists each. */
export function notRehearsed({ k3s, charts }: Choice): Record<string, string> {
  const reasons = Object.entries(RELEASES)
    .filter(([, chart]) => charts[chart] !== "real")
    .map(([release, chart]): [string, string] => [release, chartReason(charts[chart])]);
  if (k3s === "real") {
    return { ...Object.fromEntries(reasons), ...INTERNET };
  }
  return {
    ...Object.fromEntries(reasons),
    ...GROUPS,
    ...GATES,
    "v1/Service": "no Cilium here that would give it an address",
    "monitoring.coreos.com/v1/Prometheus": OPERATOR,
    "monitoring.coreos.com/v1/Alertmanager": OPERATOR,
    ...(REHEARSED_CHARTS.some((chart) => charts[chart] === "real") ? WEBHOOKS : {}),
  };
}

/** Each release with what it is of: the real chart, or a stand-in and why; for a person to read before anything starts. */
export function chartLines({ charts }: Choice): string[] {
  return REHEARSED_CHARTS.map(
    (name) => `${name}: ${charts[name] === "real" ? "the real chart" : chartReason(charts[name])}`,
  );
}

function chartReason(source: Source): string {
  return `${CHART_REASON}${because(source)}`;
}
