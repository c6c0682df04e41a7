import { ciliumLines } from "../../config/compatibility";

/** API version of Cilium's own resources. */
export type CiliumApi = "cilium.io/v2alpha1" | "cilium.io/v2";

/** What a Cilium release can do, as far as this program renders it differently. */
export interface CiliumFeatures {
  /** ALPN and backend application protocols at the gateway. */
  alpn: boolean;
  /** The chart can be told to create the GatewayClass; before, it asks the live API server at render time. */
  gatewayClassSwitch: boolean;
  /** The chart has `sysctlfix`; before, its init container always runs. */
  sysctlfixSwitch: boolean;
  /** Envoy as a DaemonSet of its own; before, it lives inside the agent by default. */
  envoyDaemonSet: boolean;
  /**
   * Generation of the BGP control plane. Cilium 1.15 registers the CRDs of the second one, but has no controller for
   * them: whoever writes them there gets neither a session nor an error.
   */
  bgp: "peering-policy" | "cluster-config";
  /** Newest served API of the cluster-config generation of BGP. */
  bgpApi: CiliumApi;
  /** Newest served API of CiliumLoadBalancerIPPool. */
  poolApi: CiliumApi;
  /** Versions of Gateway API's route kinds without which the operator serves no gateway at all. */
  routes: Readonly<Record<"grpcroutes" | "tlsroutes", string | undefined>>;
}

/**
 * The minor number of a Cilium release, for example 17 of "1.17.18".
 *
 * @throws Error if it is not a release of Cilium 1.
 */
export function ciliumMinor(version: string): number {
  const match = /^v?1\.([0-9]+)\.[0-9]+$/.exec(version);
  if (!match) {
    throw new Error(`not a release of Cilium 1: ${version}`);
  }
  return Number(match[1]);
}

/**
 * Read from the releases themselves: chart values, pkg/k8s/apis/cilium.io/client/crds and
 * operator/pkg/gateway-api/cell.go at v1.15.6, v1.16.19, v1.17.3 and v1.18.3.
 */
export function ciliumFeatures(version: string): CiliumFeatures {
  const minor = ciliumMinor(version);
  const line = ciliumLines[`1.${minor}`] as (typeof ciliumLines)[string] | undefined;
  if (!line) {
    throw new Error(`Cilium ${version} is not in config/compatibility.ts: a cross-check should have refused it`);
  }
  const since16 = minor >= 16;
  const newest: CiliumApi = minor >= 18 ? "cilium.io/v2" : "cilium.io/v2alpha1";
  return {
    alpn: line.alpn,
    gatewayClassSwitch: since16,
    sysctlfixSwitch: since16,
    envoyDaemonSet: since16,
    bgp: since16 ? "cluster-config" : "peering-policy",
    bgpApi: newest,
    poolApi: newest,
    routes: { grpcroutes: since16 ? "v1" : "v1alpha2", tlsroutes: minor <= 16 ? "v1alpha2" : undefined },
  };
}
