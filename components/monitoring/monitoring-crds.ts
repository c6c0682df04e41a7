import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { crdBundle, type CrdBundleArgs } from "../crd-bundle";
import type { ServiceArgs } from "../service";
import { OrderedComponent } from "../ordered-component";

const FILE = "stripped-down-crds.yaml";

/** Every kind of prometheus-operator v0.85.0 with its one served version (example/prometheus-operator-crd). */
const served = {
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

/** Where the operator's CRDs come from and what must be served. Without descriptions: 0.9 MB instead of 4.2 MB. */
export function monitoringCrdBundle(homelab: Homelab): Omit<CrdBundleArgs, "controlPlane"> {
  const { prometheusOperatorCrds: crds, mirrors } = homelab.versions;
  const base =
    mirrors.crds ?? `https://github.com/prometheus-operator/prometheus-operator/releases/download/${crds.version}`;
  return { url: `${base}/${FILE}`, sha256: crds.sha256, served };
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
