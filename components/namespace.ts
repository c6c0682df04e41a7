import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as core from "@pulumi/kubernetes/core/v1";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import type { core as types } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../config/homelab";
import { DEFAULT_DENY, defaultDeny, flowSpec, withDns } from "./isolation/default-deny";
import { namespaceFlows } from "./isolation/flows";
import { podSecurityLabels } from "./isolation/pod-security";
import { GATEWAY_ACCESS_LABEL } from "./network/names";

export interface NamespaceArgs {
  homelab: Homelab;
  /** Routes of this namespace may attach to the home gateway. Default false. */
  gatewayAccess?: boolean;
  /** What its pods may take together, and what a container gets that says nothing. Default no limit. */
  quota?: { quota: types.v1.ResourceQuotaSpec; limits: types.v1.LimitRangeSpec };
}

/** A namespace with everything that limits what is inside. */
export interface Space {
  resource: core.Namespace;
  /** Its name, known once the limits are in force: whoever uses it waits for them. */
  name: pulumi.Output<string>;
}

/**
 * A closed namespace: nothing may talk or be talked to but by the flows of components/isolation, pods meet its Pod Security
 * Standard, and its default account has no token to give away. Needs Cilium's CRDs where it has flows.
 *
 * @param opts of the namespace; what is inside of it goes with it.
 */
export function namespace(name: string, args: NamespaceArgs, opts: pulumi.CustomResourceOptions): Space {
  const { homelab, gatewayAccess = false, quota } = args;
  const space = new core.Namespace(
    name,
    {
      metadata: {
        name,
        labels: {
          ...podSecurityLabels(name, homelab.versions.k3s.version),
          ...(gatewayAccess ? { [GATEWAY_ACCESS_LABEL]: "true" } : {}),
        },
      },
    },
    opts,
  );
  const child = { parent: opts.parent };
  const inside = (object: string) => ({ name: object, namespace: space.metadata.name });
  const flows = withDns(namespaceFlows(homelab, name));
  const limits: (pulumi.Resource & { metadata: pulumi.Output<unknown> })[] = [
    new NetworkPolicy(`${name}-${DEFAULT_DENY}`, { metadata: inside(DEFAULT_DENY), spec: defaultDeny(flows) }, child),
    ...flows.map(
      (flow) =>
        new CustomResource(
          `${name}-${flow.name}`,
          {
            apiVersion: "cilium.io/v2",
            kind: "CiliumNetworkPolicy",
            metadata: inside(flow.name),
            spec: flowSpec(flow),
          },
          child,
        ) as pulumi.Resource & { metadata: pulumi.Output<unknown> },
    ),
    // Kubernetes makes it in every namespace, and a pod that names no account would carry its token.
    new core.ServiceAccountPatch(
      `${name}-default-account`,
      { metadata: inside("default"), automountServiceAccountToken: false },
      child,
    ),
    ...(quota
      ? [
          new core.ResourceQuota(`${name}-quota`, { metadata: inside("quota"), spec: quota.quota }, child),
          new core.LimitRange(`${name}-limits`, { metadata: inside("limits"), spec: quota.limits }, child),
        ]
      : []),
  ];
  return {
    resource: space,
    name: pulumi.all([space.metadata.name, ...limits.map(({ metadata }) => metadata)]).apply(([own]) => own as string),
  };
}
