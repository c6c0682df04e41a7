import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { gate } from "../gate";
import type { ServiceArgs } from "../service";
import { OrderedComponent } from "../ordered-component";

/**
 * A server block for CoreDNS that answers the names of everything that the gateway serves with the gateway's address, and forwards whatever
 * else falls below them. Other names of the domain never come here: CoreDNS chooses the block by the longest zone.
 *
 * A block of its own, since K3s' block already has the plugin `hosts`, which may stand in a block only once. A name has
 * no IPv6 address then: `hosts` answers empty instead of letting a public AAAA record through.
 */
export function serverBlock({ routes, network }: Homelab): string {
  const names = Object.values(routes);
  return [
    `${names.map((name) => `${name}:53`).join(" ")} {`,
    "    errors",
    "    hosts {",
    `        ${network.gateway.ip} ${names.join(" ")}`,
    "        ttl 60",
    "        fallthrough",
    "    }",
    "    forward . /etc/resolv.conf",
    "    cache 30",
    "}",
    "",
  ].join("\n");
}

export interface ClusterDnsArgs extends ServiceArgs {
  /** The cluster's network; until it is up nothing can answer. */
  cilium: readonly pulumi.Resource[];
}

/**
 * Lets pods reach the platform's services by their public names without leaving the house: OIDC issuers, and the check
 * that cert-manager makes before it asks for a challenge, depend neither on the router's hairpin nor on its resolver.
 *
 * K3s mounts the optional config map `coredns-custom` and imports every `*.server` of it (k3s manifests/coredns.yaml);
 * the plugin `reload` notices changed imports (coredns/coredns#3068). Written before the first pod of CoreDNS can start,
 * it is simply there; the gate covers later changes.
 */
export class ClusterDns extends OrderedComponent {
  public constructor(name: string, args: ClusterDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:network:ClusterDns", name, opts);
    const { homelab, controlPlane, cilium } = args;
    const custom = new core.ConfigMap(
      `${name}-coredns-custom`,
      {
        metadata: { name: "coredns-custom", namespace: "kube-system" },
        data: { "homelab.server": serverBlock(homelab) },
      },
      { parent: this },
    );
    gate(
      `${name}-answers`,
      {
        controlPlane,
        script: "cluster-dns.sh",
        variables: {
          SERVER: homelab.clusterDns,
          ADDRESS: homelab.network.gateway.ip,
          NAMES: Object.values(homelab.routes),
        },
        timeoutSeconds: 600,
      },
      { parent: this, dependsOn: [custom, ...cilium] },
    );
    this.registerOutputs();
  }
}
