import { veleroNames } from "../../components/backup/schedules";
import { certificateSecret, GATEWAY_CLASS, homeGateway } from "../../components/network/names";
import { LONGHORN_DRIVER, longhornNodes } from "../../components/storage/longhorn-nodes";
import { NFS_DRIVER } from "../../components/storage/media-volume";
import type { NodeMachine } from "../../config/homelab";
import { diskPlan } from "../../nodes/disks/plan";
import { k3sNodeStep } from "../../nodes/k3s/node-step";
import { unitName } from "../../nodes/k3s/unit";
import { clusterBefore } from "../built";
import type { Case, Check } from "../check";
import type { ClusterFacts, Facts, HostFacts, KubeObject } from "../facts";
import type { Verdict } from "../finding";
import type { House, Target } from "../house";
import { late } from "./machine";

const DAY = 86_400_000;
/** K3s renews its certificates when it starts within 120 days of their end; two months of no restart are too many. */
const CERTIFICATE_DAYS = { warning: 60, error: 7 } as const;
/** A pod may wait for an image this long before anybody worries. */
const PENDING_MINUTES = 5;

/** What the API is asked for. Paths are complete, so that no discovery is needed. */
export const QUESTIONS = {
  nodes: "/api/v1/nodes",
  csiNodes: "/apis/storage.k8s.io/v1/csinodes",
  gatewayClasses: "/apis/gateway.networking.k8s.io/v1/gatewayclasses",
  gateways: `/apis/gateway.networking.k8s.io/v1/namespaces/${homeGateway.namespace}/gateways`,
  certificates: `/apis/cert-manager.io/v1/namespaces/${homeGateway.namespace}/certificates`,
  backupLocations: `/apis/velero.io/v1/namespaces/${veleroNames.namespace}/backupstoragelocations`,
  pendingPods: "/api/v1/pods?fieldSelector=status.phase%3DPending&limit=200",
} as const;
export type Question = keyof typeof QUESTIONS;

interface Condition {
  type: string;
  status: string;
  message?: string;
  reason?: string;
}

const kubectl = (words: string) => `kubectl ${words} (kubeconfig: pulumi stack output kubeconfig --show-secrets)`;

function condition({ status }: KubeObject, type: string): Condition | undefined {
  return ((status?.conditions ?? []) as Condition[]).find((candidate) => candidate.type === type);
}

/** The objects, or the one verdict that there is no list. */
function list(
  { lists }: ClusterFacts,
  question: Question,
  judge: (objects: readonly KubeObject[]) => Verdict[],
): Verdict[] {
  const found = lists[question];
  return typeof found === "object"
    ? judge(found)
    : [
        {
          severity: found?.startsWith("404") ? "error" : "unknown",
          found: found?.startsWith("404")
            ? "the API does not know this kind: its CRD is missing"
            : (found ?? "not asked"),
          expected: "a list",
          next: kubectl(`get --raw '${QUESTIONS[question]}'`),
        },
      ];
}

const named = (objects: readonly KubeObject[], name: string) => objects.find(({ metadata }) => metadata?.name === name);

/** K3s on one node, by the facts of the drift check. */
export function judgeK3s({ homelab }: House, { name, machine }: Target, given: Facts): Verdict[] {
  const facts: HostFacts = given.hosts[name];
  const section = facts.sections.k3s;
  if (section === undefined || section.failed !== undefined) {
    return [late(name, "K3s")];
  }
  if (section.installed !== "yes") {
    const evidence = machine.role === "control-plane" ? clusterBefore(given) : undefined;
    const expected = "running, or not installed yet";
    return [
      evidence === undefined
        ? {
            severity: "ok",
            found: "not installed; `pulumi up` installs it",
            expected,
            absent: `K3s is not installed on ${name} yet`,
          }
        : {
            severity: "error",
            found: `not installed, although ${evidence}`,
            expected,
            next: "pulumi up --refresh; if etcd is lost: README, On a bad day",
          },
    ];
  }
  const node = machine as NodeMachine;
  const { kind, expected } = k3sNodeStep(homelab, node, []);
  const unit = unitName[kind];
  const journal = `on ${name}: journalctl -u ${unit} -n 50`;
  const compare = (fact: string, next: string, severity: "error" | "warning" = "error"): Verdict => ({
    severity: section[fact] === expected[fact] ? "ok" : severity,
    item: fact,
    found: section[fact] ?? "unknown",
    expected: expected[fact],
    ...(section[fact] === expected[fact] ? {} : { next }),
  });
  const root = section.kubeletRoot;
  const kubeletRoot: Verdict =
    root === "unknown"
      ? {
          severity: "unknown",
          item: "kubeletRoot",
          found: "no kubelet runs",
          expected: expected.kubeletRoot,
          next: journal,
        }
      : compare(
          "kubeletRoot",
          `on ${name}: cat /etc/rancher/k3s/config.yaml; ls /etc/rancher/k3s/config.yaml.d; then README, Change the kubelet root`,
        );
  return [
    compare("unit", journal),
    compare("version", "pulumi up --refresh", "warning"),
    { ...kubeletRoot, goOn: true },
    compare("generation", "pulumi up --refresh; this node belongs to another generation of the cluster", "warning"),
    {
      ...compare("certificate", `on ${name}: sudo systemctl restart ${unit}, which renews them`, "warning"),
      ...(section.certificate === "expired" ? { severity: "error" as const } : {}),
    },
  ].map((verdict) => (verdict.item === "unit" ? verdict : { ...verdict, goOn: true }));
}

/** Whether the API server answers; every other question needs it. */
export function judgeApi({ homelab }: House, facts: Facts): Verdict[] {
  const { cluster } = facts;
  const { address, name } = homelab.controlPlane;
  const expected = `https://${address}:6443 is ready`;
  if (cluster.from === undefined) {
    const evidence = clusterBefore(facts);
    return [
      evidence === undefined
        ? { severity: "ok", found: "no cluster yet; `pulumi up` makes it", expected, absent: "there is no cluster yet" }
        : {
            severity: "unknown",
            found: `no kubeconfig is at hand (${cluster.problem ?? "none found"}), although ${evidence}`,
            expected,
            next: "put the Pulumi CLI on PATH and log in, or set KUBECONFIG to a file for this cluster, or repair the login to the control plane",
          },
    ];
  }
  if (cluster.ready === undefined) {
    return [
      {
        severity: "error",
        found: `the API server does not answer: ${cluster.problem ?? "unknown"}`,
        expected,
        next: `on ${name}: systemctl status k3s; journalctl -u k3s -n 50; df -h /; free -m`,
      },
    ];
  }
  return [
    cluster.ready.trim() === "ok"
      ? { severity: "ok", found: `ready (kubeconfig from ${cluster.from})`, expected }
      : {
          severity: "error",
          goOn: true,
          found: `it answers, but is not ready: ${cluster.ready.trim().split("\n").slice(-3).join(" ")}`,
          expected,
          next: `on ${name}: journalctl -u k3s -n 50; ${kubectl("get --raw '/readyz?verbose'")}`,
        },
  ];
}

/** End of the API server's certificate and of the kubeconfig's. */
export function judgeExpiry({ at, cluster }: Facts, controlPlane: string): Verdict[] {
  const ends: [item: string, end: number | undefined][] = [
    ["API server", cluster.serverCertificateEnd],
    ["kubeconfig", cluster.clientCertificateEnd],
  ];
  return ends.map(([item, end]): Verdict => {
    const expected = `valid for ${CERTIFICATE_DAYS.warning} days or more`;
    if (end === undefined) {
      return {
        severity: "unknown",
        item,
        found: "not known",
        expected,
        next: `on ${controlPlane}: sudo k3s certificate check`,
      };
    }
    const days = Math.floor((end - at) / DAY);
    const severity = days < CERTIFICATE_DAYS.error ? "error" : days < CERTIFICATE_DAYS.warning ? "warning" : "ok";
    return {
      severity,
      item,
      found: days < 0 ? `expired ${-days} days ago` : `${days} days left`,
      expected,
      ...(severity === "ok"
        ? {}
        : { next: `on ${controlPlane}: sudo systemctl restart k3s, which renews them; then pulumi up --refresh` }),
    };
  });
}

export function judgeNodes({ homelab }: House, cluster: ClusterFacts): Verdict[] {
  return list(cluster, "nodes", (objects) => [
    ...homelab.nodes.map(({ name, role }): Verdict => {
      const node = named(objects, name);
      const unit = role === "control-plane" ? unitName.server : unitName.agent;
      const next = `on ${name}: systemctl status ${unit}; journalctl -u ${unit} -n 50`;
      if (!node) {
        return {
          severity: "error",
          item: name,
          found: "not in the cluster",
          expected: "Ready",
          next: `pulumi up --refresh; ${next}`,
        };
      }
      const ready = condition(node, "Ready");
      if (ready?.status !== "True") {
        return {
          severity: "error",
          item: name,
          found: `not Ready: ${ready?.message ?? "no word of its kubelet"}`,
          expected: "Ready",
          next,
        };
      }
      const pressure = ["MemoryPressure", "DiskPressure", "PIDPressure"].filter(
        (type) => condition(node, type)?.status === "True",
      );
      if (pressure.length > 0) {
        return {
          severity: "error",
          item: name,
          found: `Ready, with ${pressure.join(", ")}`,
          expected: "Ready",
          next: `on ${name}: df -h; free -m`,
        };
      }
      return node.spec?.unschedulable === true
        ? {
            severity: "warning",
            item: name,
            found: "Ready, but cordoned",
            expected: "Ready",
            next: kubectl(`uncordon ${name}`),
          }
        : { severity: "ok", item: name, found: "Ready", expected: "Ready" };
    }),
    ...objects.flatMap(({ metadata }): Verdict[] =>
      homelab.nodes.some(({ name }) => name === metadata?.name)
        ? []
        : [
            {
              severity: "warning",
              item: metadata?.name,
              found: "in the cluster, but not in the configuration",
              expected: "the nodes of the configuration",
              next: kubectl(`get node ${metadata?.name} -o wide`),
            },
          ],
    ),
  ]);
}

export function judgeCsi({ homelab }: House, cluster: ClusterFacts): Verdict[] {
  const drivers: [driver: string, nodes: readonly NodeMachine[]][] = [
    ...(homelab.nodes.some((node) => diskPlan(homelab, node).length > 0)
      ? [[LONGHORN_DRIVER, longhornNodes(homelab)] as [string, readonly NodeMachine[]]]
      : []),
    ...(homelab.storage.media ? [[NFS_DRIVER, homelab.nodes] as [string, readonly NodeMachine[]]] : []),
  ];
  return list(cluster, "csiNodes", (objects) =>
    drivers.map(([driver, nodes]): Verdict => {
      const missing = nodes.filter(({ name }) => {
        const registered = (named(objects, name)?.spec?.drivers ?? []) as { name: string }[];
        return !registered.some((entry) => entry.name === driver);
      });
      const expected = `registered on ${nodes.length} nodes`;
      return missing.length === 0
        ? { severity: "ok", item: driver, found: expected, expected }
        : {
            severity: "error",
            item: driver,
            found: `not registered on ${missing.map(({ name }) => name).join(", ")}`,
            expected,
            next: "runbooks/csi.md; first compare the kubelet root in force, above, with the driver's: kubectl get csinodes -o yaml",
          };
    }),
  );
}

export function judgeGateway({ homelab }: House, cluster: ClusterFacts): Verdict[] {
  const classes = list(cluster, "gatewayClasses", (objects) => {
    const accepted = condition(named(objects, GATEWAY_CLASS) ?? {}, "Accepted");
    const expected = "Accepted";
    return [
      accepted?.status === "True"
        ? { severity: "ok", item: `GatewayClass ${GATEWAY_CLASS}`, found: "Accepted", expected }
        : {
            severity: "error",
            item: `GatewayClass ${GATEWAY_CLASS}`,
            found: accepted?.message ?? "not there, or nobody has accepted it",
            expected,
            next: "kubectl -n kube-system rollout restart deployment/cilium-operator: it looks for the CRDs once, when it starts",
          },
    ];
  });
  const gateways = list(cluster, "gateways", (objects) => {
    const gateway = named(objects, homeGateway.name) ?? {};
    const programmed = condition(gateway, "Programmed");
    const addresses = ((gateway.status?.addresses ?? []) as { value: string }[]).map(({ value }) => value);
    const expected = `Programmed at ${homelab.network.gateway.ip}`;
    const good = programmed?.status === "True" && addresses.includes(homelab.network.gateway.ip);
    return [
      good
        ? { severity: "ok", item: `Gateway ${homeGateway.name}`, found: expected, expected }
        : {
            severity: "error",
            item: `Gateway ${homeGateway.name}`,
            found: `${programmed?.status === "True" ? "Programmed" : (programmed?.message ?? "not there")}${addresses.length > 0 ? ` at ${addresses.join(", ")}` : ""}`,
            expected,
            next: `runbooks/network.md; kubectl -n ${homeGateway.namespace} describe gateway ${homeGateway.name}`,
          },
    ];
  });
  return [...classes, ...gateways];
}

export function judgeCertificates({ homelab }: House, { at, cluster }: Facts): Verdict[] {
  return list(cluster, "certificates", (objects) =>
    Object.entries(homelab.routes).map(([service, item]): Verdict => {
      const certificate = named(objects, certificateSecret(service));
      const ready = condition(certificate ?? {}, "Ready");
      const expected = "valid";
      const next = `runbooks/certificates.md; kubectl -n ${homeGateway.namespace} describe certificate ${certificateSecret(service)}`;
      if (ready?.status !== "True") {
        return { severity: "error", item, found: ready?.message ?? "not there", expected, next };
      }
      const days = Math.floor((Date.parse(String(certificate?.status?.notAfter)) - at) / DAY);
      // cert-manager renews at two thirds of its life, for Let's Encrypt 30 days before the end.
      const severity = days < 0 ? "error" : days < 21 ? "warning" : "ok";
      return {
        severity,
        item,
        found: Number.isNaN(days) ? "valid" : days < 0 ? "expired" : `valid for ${days} days`,
        expected,
        ...(severity === "ok" ? {} : { next }),
      };
    }),
  );
}

export function judgeBackupLocation(cluster: ClusterFacts): Verdict[] {
  return list(cluster, "backupLocations", (objects) => {
    const location = named(objects, veleroNames.location);
    const { phase, message } = (location?.status ?? {}) as { phase?: string; message?: string };
    return [
      phase === "Available"
        ? { severity: "ok", found: "Available", expected: "Available" }
        : {
            severity: "error",
            found:
              location === undefined ? "not there" : `${phase ?? "not judged yet"}: ${message ?? "no reason given"}`,
            expected: "Available",
            next: `runbooks/backups.md; kubectl -n ${veleroNames.namespace} logs deployment/velero --tail=30`,
          },
    ];
  });
}

export function judgePending({ at, cluster }: Facts): Verdict[] {
  const expected = `no pod waits longer than ${PENDING_MINUTES} minutes`;
  return list(cluster, "pendingPods", (objects) => {
    const waiting = objects.filter(
      ({ metadata }) => at - Date.parse(metadata?.creationTimestamp ?? "") > PENDING_MINUTES * 60_000,
    );
    return waiting.length === 0
      ? [{ severity: "ok", found: "none", expected }]
      : waiting.map((pod): Verdict => {
          const { namespace, name } = pod.metadata ?? {};
          const reason =
            condition(pod, "PodScheduled")?.message ??
            ((pod.status?.containerStatuses ?? []) as { state?: { waiting?: { reason?: string; message?: string } } }[])
              .map(({ state }) => state?.waiting?.message ?? state?.waiting?.reason)
              .find((said) => said !== undefined);
          return {
            severity: "warning",
            item: `${namespace}/${name}`,
            found: `Pending: ${reason ?? "no reason given"}`,
            expected,
            next: `kubectl -n ${namespace} describe pod ${name}`,
          };
        });
  });
}

const ofCluster = (name: string, why: string, judge: (given: Case) => readonly Verdict[]): Check => ({
  scope: "house",
  name: `cluster.${name}`,
  layer: "cluster",
  why,
  applies: ({ whole }) => whole,
  needs: ["cluster.api"],
  judge,
});

export const clusterChecks: readonly Check[] = [
  {
    scope: "host",
    name: "k3s.node",
    layer: "k3s",
    why: "CSI drivers, backups and GPU plugins work only below the kubelet root that is really in force",
    applies: ({ machine }) => machine.role !== "hypervisor",
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { house, facts }) => judgeK3s(house, target, facts),
  },
  {
    scope: "house",
    name: "cluster.api",
    layer: "cluster",
    why: "without the API server nothing in the cluster can be seen or changed",
    applies: ({ whole }) => whole,
    needs: ["link.route"],
    judge: ({ house, facts }) => judgeApi(house, facts),
  },
  ofCluster("api-certificates", "an expired certificate locks everybody out at once", ({ house, facts }) =>
    judgeExpiry(facts, house.homelab.controlPlane.name),
  ),
  ofCluster("nodes", "pods of a node that is not Ready are down or stuck", ({ house, facts }) =>
    judgeNodes(house, facts.cluster),
  ),
  ofCluster("csi", "without its driver in the CSINode no volume mounts on that node", ({ house, facts }) =>
    judgeCsi(house, facts.cluster),
  ),
  ofCluster("gateway", "HTTP and HTTPS enter the house here", ({ house, facts }) => judgeGateway(house, facts.cluster)),
  ofCluster("certificates", "browsers and logins refuse a service without a valid certificate", ({ house, facts }) =>
    judgeCertificates(house, facts),
  ),
  ofCluster("backup-location", "no backup is made while Velero does not reach its bucket", ({ facts }) =>
    judgeBackupLocation(facts.cluster),
  ),
  ofCluster("pending-pods", "a pod that waits is a service that is down, and says what is missing", ({ facts }) =>
    judgePending(facts),
  ),
];
