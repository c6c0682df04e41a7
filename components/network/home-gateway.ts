import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { namespace } from "../namespace";
import { gatewayManifest, redirectManifests } from "./gateway-manifests";
import { applyManifest } from "./manifest";
import { homeGateway } from "./names";
import { OrderedComponent } from "../ordered-component";

/**
 * Where HTTP and HTTPS enter the house. Needs the pools before it, and needs no certificate: it is certificates that
 * need it, to answer their challenges.
 */
export class HomeGateway extends OrderedComponent {
  public constructor(name: string, args: { homelab: Homelab }, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:network:HomeGateway", name, opts);
    const networking = namespace(
      homeGateway.namespace,
      { homelab: args.homelab, gatewayAccess: true },
      { parent: this },
    );
    const gateway = applyManifest(`${name}-gateway`, gatewayManifest(args.homelab), {
      parent: this,
      dependsOn: [networking.resource],
      customTimeouts: { create: "5m", update: "5m" },
    });
    for (const redirect of redirectManifests(args.homelab)) {
      applyManifest(`${name}-${redirect.metadata.name}`, redirect, { parent: this, dependsOn: [gateway] });
    }
    this.registerOutputs();
  }
}
