import * as pulumi from "@pulumi/pulumi";
import { gate } from "../gate";
import { applyManifest } from "../network/manifest";
import { homeGateway } from "../network/names";
import type { ServiceArgs } from "../service";
import { certificateManifest, issuerManifest, issuerName } from "./manifests";
import { OrderedComponent } from "../ordered-component";

/** Seconds that Let's Encrypt is given for all certificates together; they are issued side by side. */
const PATIENCE = 600;

/**
 * One certificate for each host. Needs cert-manager, the programmed Gateway, which answers the challenges, and the
 * cluster's DNS, by which cert-manager checks them first.
 *
 * Whether they can be issued depends on what lies outside the cluster: DNS, and the router's port 80. So no bare wait on
 * the objects, which would end in "timed out", but a gate that says which host fails and what to look at.
 */
export class Certificates extends OrderedComponent {
  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:certificates:Certificates", name, opts);
    const { homelab, controlPlane } = args;
    const { issuer } = homelab.network.certificates;

    // Named after the environment: changing it makes the new issuer before the old one goes.
    const clusterIssuer = applyManifest(`${name}-${issuerName(issuer)}`, issuerManifest(homelab), {
      parent: this,
      customTimeouts: { create: "3m", update: "3m" },
    });
    const certificates = Object.keys(homelab.routes).map((service) =>
      applyManifest(`${name}-${service}`, certificateManifest(homelab, service), {
        parent: this,
        dependsOn: [clusterIssuer],
      }),
    );
    gate(
      `${name}-ready`,
      {
        controlPlane,
        script: "certificates-ready.sh",
        variables: {
          NAMESPACE: homeGateway.namespace,
          ISSUER: issuerName(issuer),
          ADDRESS: homelab.network.gateway.ip,
          CERTIFICATES: Object.entries(homelab.routes).map(
            ([service, host]) => `${certificateManifest(homelab, service).metadata.name}=${host}`,
          ),
          PATIENCE,
        },
        timeoutSeconds: PATIENCE + 120,
      },
      { parent: this, dependsOn: certificates },
    );
    this.registerOutputs();
  }
}
