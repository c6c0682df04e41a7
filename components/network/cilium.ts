import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { pinnedChart } from "../chart";
import { gate } from "../gate";
import type { ServiceArgs } from "../service";
import { ciliumValues } from "./cilium-values";
import { ciliumFeatures } from "./cilium-version";
import { GATEWAY_CLASS } from "./names";
import { OrderedComponent } from "../ordered-component";
import { hardTaints } from "../taints";

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

export interface CiliumArgs extends ServiceArgs {
  /** K3s runs on every node. The chart does not wait for it, so that a slow node holds up nobody who can do without. */
  nodes: readonly pulumi.Resource[];
}

/**
 * The cluster's network: pods, services, load balancing and the gateway's data plane. Needs the CRDs of Gateway API and
 * of Prometheus' operator before it, and one node.
 */
export class Cilium extends OrderedComponent {
  /** The operator serves what comes next: pods have a network, and Cilium's own resources can be written. */
  public readonly ready: pulumi.Resource[];
  /** Every node of the configuration is Ready. */
  public readonly nodesReady: pulumi.Resource[];

  public constructor(name: string, args: CiliumArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:network:Cilium", name, opts);
    const { homelab, controlPlane } = args;

    const chart = pinnedChart(
      "cilium",
      { homelab, chart: "cilium", namespace: "kube-system", values: ciliumValues(homelab) },
      { parent: this },
    );
    const nodesReady = gate(
      `${name}-nodes-ready`,
      {
        controlPlane,
        script: "nodes-ready.sh",
        nodes: homelab.nodes,
        variables: {
          NODES: homelab.nodes.map((node) => node.name),
          TAINTS: homelab.nodes.flatMap((node) => hardTaints(homelab, node).map((taint) => `${node.name} ${taint}`)),
        },
      },
      { parent: this, dependsOn: [chart, ...args.nodes] },
    );
    const operatorReady = gate(
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
    this.ready = [operatorReady];
    this.nodesReady = [nodesReady, operatorReady];
    this.registerOutputs();
  }
}
