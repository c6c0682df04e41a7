import * as core from "@pulumi/kubernetes/core/v1";
import type * as pulumi from "@pulumi/pulumi";

/** Label that lets a namespace attach routes to the home gateway. */
export const GATEWAY_ACCESS_LABEL = "homelab/gateway-access";

export interface NamespaceArgs {
  /** Pod Security Standard that is enforced. Default "baseline". */
  podSecurity?: "privileged" | "baseline" | "restricted";
  /** Routes of this namespace may attach to the home gateway. Default false. */
  gatewayAccess?: boolean;
}

/** A namespace that says what its pods may do. */
export function namespace(name: string, args: NamespaceArgs, opts: pulumi.CustomResourceOptions): core.Namespace {
  const { podSecurity = "baseline", gatewayAccess = false } = args;
  return new core.Namespace(
    name,
    {
      metadata: {
        name,
        labels: {
          "pod-security.kubernetes.io/enforce": podSecurity,
          ...(gatewayAccess ? { [GATEWAY_ACCESS_LABEL]: "true" } : {}),
        },
      },
    },
    opts,
  );
}
