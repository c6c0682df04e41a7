import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { addressPools } from "./address-pools";
import { announcements } from "./announcements";
import { applyManifest } from "./manifest";
import { OrderedComponent } from "../ordered-component";

/** Addresses for LoadBalancer services and their announcement to the house. Needs Cilium's operator before it. */
export class LoadBalancing extends OrderedComponent {
  public constructor(name: string, args: { homelab: Homelab }, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:network:LoadBalancing", name, opts);
    for (const manifest of [...addressPools(args.homelab), ...announcements(args.homelab)]) {
      applyManifest(`${name}-${kebabKind(manifest.kind)}-${manifest.metadata.name}`, manifest, { parent: this });
    }
    this.registerOutputs();
  }
}

/** For example bgp-peer-config of CiliumBGPPeerConfig. */
function kebabKind(kind: string): string {
  return kind
    .replace(/^Cilium/, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
}
