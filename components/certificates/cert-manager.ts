import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { pinnedChart, type HelmValues } from "../chart";
import { namespace } from "../namespace";
import { waitFor } from "../network/manifest";
import { OrderedComponent } from "../ordered-component";

/** Values of the cert-manager chart, v1.18. */
export function certManagerValues(): HelmValues {
  // The injector fills it in some time after the pods are ready; until then the API server refuses every issuer.
  const caInjected = waitFor("jsonpath={.webhooks[0].clientConfig.caBundle}");
  return {
    // Kept when the chart goes, for with the CRDs goes every certificate.
    crds: { enabled: true, keep: true },
    config: {
      apiVersion: "controller.config.cert-manager.io/v1alpha1",
      kind: "ControllerConfiguration",
      // The feature gate of the same name is on by default and enables nothing without this.
      enableGatewayAPI: true,
    },
    webhook: {
      validatingWebhookConfigurationAnnotations: caInjected,
      mutatingWebhookConfigurationAnnotations: caInjected,
    },
    // A hook, which Chart v4 drops; the annotations above do its work.
    startupapicheck: { enabled: false },
    prometheus: { servicemonitor: { enabled: true, interval: "60s" } },
  };
}

/**
 * Issues and renews certificates. Ready when its webhook can be trusted. Needs the CRDs of Gateway API before it, or its
 * controller ends itself (pkg/controller/context.go at v1.18), and those of Prometheus' operator.
 */
export class CertManager extends OrderedComponent {
  public constructor(name: string, args: { homelab: Homelab }, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:certificates:CertManager", name, opts);
    const own = namespace("cert-manager", { homelab: args.homelab }, { parent: this });
    pinnedChart(
      "cert-manager",
      {
        homelab: args.homelab,
        chart: "certManager",
        namespace: own.name,
        values: certManagerValues(),
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
