import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { pinnedChart } from "../chart";
import { gate } from "../gate";
import type { ServiceArgs } from "../service";
import { ciliumValues } from "./cilium-values";
import { ciliumFeatures } from "./cilium-version";
import { OrderedComponent } from "../ordered-component";

/** Class of Gateways that Cilium serves; the chart creates it under this name. */
export const GATEWAY_CLASS = "cilium";

/** Cilium's own resources that the program writes later, each as `<crd>=<version>`. The operator registers them. */
export function ciliumCrds({ network, versions }: Homelab): string[] {
  const { bgp, bgpApi, poolApi } = ciliumFeatures(versions.charts.cilium);
  const version = (api: string) => api.split("/")[1];
  const peering =
    bgp === "peering-policy"
      ? ["ciliumbgppeeringpolicies.cilium.io=v2alpha1"]
      : ["ciliumbgpclusterconfigs", "ciliumbgppeerconfigs", "ciliumbgpadvertisements"].map(
          (plural) => `${plural}.cilium.io=${version(bgpApi)}`,
        );
  return [
    `ciliumloadbalancerippools.cilium.io=${version(poolApi)}`,
    ...(network.bgp ? peering : []),
    ...(network.l2Announcements ? ["ciliuml2announcementpolicies.cilium.io=v2alpha1"] : []),
  ];
}

/**
 * The cluster's network: pods, services, load balancing and the gateway's data plane. Ready when every node is Ready
 * and the operator serves what comes next. Needs the CRDs of Gateway API and of Prometheus' operator before it.
 */
export class Cilium extends OrderedComponent {
  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:network:Cilium", name, opts);
    const { homelab, controlPlane } = args;

    const chart = pinnedChart(
      "cilium",
      { homelab, chart: "cilium", namespace: "kube-system", values: ciliumValues(homelab) },
      { parent: this },
    );
    gate(
      `${name}-nodes-ready`,
      { controlPlane, script: "nodes-ready.sh", variables: { NODES: homelab.nodes.map((node) => node.name) } },
      { parent: this, dependsOn: [chart] },
    );
    gate(
      `${name}-operator-ready`,
      {
        controlPlane,
        script: "cilium-operator-ready.sh",
        // The release is named so that the gate is asked again after an upgrade.
        variables: { RELEASE: homelab.versions.charts.cilium, CRDS: ciliumCrds(homelab), GATEWAY_CLASS },
        timeoutSeconds: 900,
      },
      { parent: this, dependsOn: [chart] },
    );
    this.registerOutputs();
  }
}
