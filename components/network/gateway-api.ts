import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { fetchUrl } from "../../config/mirror";
import { crdBundle } from "../crd-bundle";
import type { ServiceArgs } from "../service";
import { ciliumFeatures } from "./cilium-version";
import { OrderedComponent } from "../ordered-component";

const GROUP = "gateway.networking.k8s.io";

/** CRDs of Gateway API by full name, each with the versions that the pinned Cilium and this program use. */
export function gatewayApiServed(ciliumVersion: string): Record<string, readonly string[]> {
  const { routes } = ciliumFeatures(ciliumVersion);
  const byPlural: Record<string, string | undefined> = {
    gatewayclasses: "v1",
    gateways: "v1",
    httproutes: "v1",
    referencegrants: "v1beta1",
    ...routes,
  };
  return Object.fromEntries(
    Object.entries(byPlural).flatMap(([plural, version]) =>
      version === undefined ? [] : [[`${plural}.${GROUP}`, [version]]],
    ),
  );
}

/** Where the release's CRDs come from: one file per channel. */
export function gatewayApiUrl({ versions }: Homelab): string {
  const { version, channel } = versions.gatewayApi;
  return `https://github.com/kubernetes-sigs/gateway-api/releases/download/${version}/${channel}-install.yaml`;
}

/**
 * Kinds of Gateway API. They come before Cilium, whose operator looks for them once, when it starts, and before
 * cert-manager, which ends itself without them.
 *
 * Listed is not served: the standard channel of v1.1.0 lists GRPCRoute v1alpha2 without serving it, on which the
 * operator of Cilium 1.15 crashes (cilium/cilium#34835). So the versions that are really served are asserted.
 */
export class GatewayApiCrds extends OrderedComponent {
  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:network:GatewayApiCrds", name, opts);
    const { homelab, controlPlane } = args;
    crdBundle(
      `${name}-crds`,
      {
        controlPlane,
        url: fetchUrl(homelab, gatewayApiUrl(homelab), homelab.versions.gatewayApi.sha256),
        sha256: homelab.versions.gatewayApi.sha256,
        served: gatewayApiServed(homelab.versions.charts.cilium),
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
