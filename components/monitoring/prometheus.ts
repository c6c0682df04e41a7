import type { Homelab } from "../../config/homelab";
import { toMib } from "../../config/units";
import type { HelmValues } from "../chart";
import { awayFromControlPlane, localPathClaim } from "./placement";

/**
 * Size of blocks at which Prometheus drops the oldest, below the claim's: 80%, because the limit counts neither the
 * head's write-ahead log nor a compaction's temporary copy (prometheus.io/docs/prometheus/latest/storage, "Right-Sizing
 * Retention Size"). On local-path it is the only limit there is.
 *
 * @returns the operator's ByteSize in MiB, at least 1MiB.
 */
export function retentionSize(claim: string): string {
  return `${Math.max(1, Math.floor(toMib(claim) * 0.8))}MiB`;
}

/** Waits for the operator to have made it work; Pulumi itself sees only the custom resource. */
export const availableWithin15Minutes = {
  "pulumi.com/waitFor": "condition=Available",
  "pulumi.com/timeoutSeconds": "900",
};

/** Values below `prometheus` of kube-prometheus-stack 77.14.0. */
export function prometheusValues(homelab: Homelab): HelmValues {
  const { retentionDays, size } = homelab.monitoring.prometheus;
  return {
    annotations: availableWithin15Minutes,
    prometheusSpec: {
      // Otherwise only objects labelled with this release are picked up: not Longhorn's, Cilium's, DCGM's or ours.
      ruleSelectorNilUsesHelmValues: false,
      serviceMonitorSelectorNilUsesHelmValues: false,
      podMonitorSelectorNilUsesHelmValues: false,
      probeSelectorNilUsesHelmValues: false,
      scrapeConfigSelectorNilUsesHelmValues: false,
      externalUrl: `https://${homelab.hosts.prometheus}`,
      retention: `${retentionDays}d`,
      retentionSize: retentionSize(size),
      // Not on Longhorn: what reports an outage of the storage must not stand on it.
      storageSpec: localPathClaim(size),
      affinity: awayFromControlPlane(homelab),
      // No limit on the processor: a throttled Prometheus misses its scrapes and raises alerts about others.
      resources: { requests: { cpu: "200m", memory: "1Gi" }, limits: { memory: "4Gi" } },
    },
  };
}
