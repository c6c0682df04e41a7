import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { fetchUrl } from "../../config/mirror";
import { crdBundle, type CrdBundleArgs } from "../crd-bundle";
import type { ServiceArgs } from "../service";
import { OrderedComponent } from "../ordered-component";

const FILE = "stripped-down-crds.yaml";

/** Every kind of prometheus-operator v0.85.0 with its one served version (example/prometheus-operator-crd). */
export const monitoringKinds = {
  "alertmanagerconfigs.monitoring.coreos.com": ["v1alpha1"],
  "alertmanagers.monitoring.coreos.com": ["v1"],
  "podmonitors.monitoring.coreos.com": ["v1"],
  "probes.monitoring.coreos.com": ["v1"],
  "prometheusagents.monitoring.coreos.com": ["v1alpha1"],
  "prometheuses.monitoring.coreos.com": ["v1"],
  "prometheusrules.monitoring.coreos.com": ["v1"],
  "scrapeconfigs.monitoring.coreos.com": ["v1alpha1"],
  "servicemonitors.monitoring.coreos.com": ["v1"],
  "thanosrulers.monitoring.coreos.com": ["v1"],
} as const;

/** Upstream's file with the operator's CRDs. Without descriptions: 0.9 MB instead of 4.2 MB. */
export function monitoringCrdsUrl({ versions }: Homelab): string {
  const { version } = versions.prometheusOperatorCrds;
  return `https://github.com/prometheus-operator/prometheus-operator/releases/download/${version}/${FILE}`;
}

/** Where the operator's CRDs come from and what must be served. */
export function monitoringCrdBundle(homelab: Homelab): Omit<CrdBundleArgs, "controlPlane"> {
  const { sha256 } = homelab.versions.prometheusOperatorCrds;
  return { url: fetchUrl(homelab, monitoringCrdsUrl(homelab), sha256), sha256, served: monitoringKinds };
}

/** CRDs of the Prometheus operator. They come early: Longhorn, Cilium, DCGM and others ship ServiceMonitors (trap 35). */
export class MonitoringCrds extends OrderedComponent {
  /** All ten are served. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:MonitoringCrds", name, opts);
    const bundle = crdBundle(
      `${name}-bundle`,
      { controlPlane: args.controlPlane, ...monitoringCrdBundle(args.homelab) },
      { parent: this },
    );
    this.ready = [bundle];
    this.registerOutputs();
  }
}
