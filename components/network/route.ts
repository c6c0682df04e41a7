import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";
import { homeGateway } from "./names";

/**
 * Name of the plain HTTP listener of a service: redirect and HTTP-01 challenges. One for each host, because Cilium up to
 * 1.18.7 drops a route from a listener without a host name if any other listener, of whatever protocol, has the route's
 * (cilium/cilium#44123; ComputeHosts in operator/pkg/model/helpers.go, run at v1.17.8): with one listener for all, no
 * challenge would ever be answered.
 */
export function httpListener(service: string): string {
  return `http-${service}`;
}

/** Name of the HTTPS listener of a service. */
export function httpsListener(service: string): string {
  return `https-${service}`;
}

export interface RouteArgs {
  service: string;
  host: string;
  namespace: pulumi.Input<string>;
  backend: { name: pulumi.Input<string>; port: number };
}

/**
 * A host's route to its one backend, through the host's own HTTPS listener. Gateway API v1.1.0 standard channel.
 *
 * The backend is spoken to in HTTP/1.1. One that wants gRPC or h2c must say so on its Service's port, by
 * `appProtocol: kubernetes.io/h2c` (trap 57).
 */
export function httpsRoute(name: string, args: RouteArgs, opts: pulumi.CustomResourceOptions): CustomResource {
  return new CustomResource(
    name,
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: args.service, namespace: args.namespace },
      spec: {
        parentRefs: [{ ...homeGateway, sectionName: httpsListener(args.service) }],
        hostnames: [args.host],
        rules: [{ matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs: [args.backend] }],
      },
    },
    opts,
  );
}
