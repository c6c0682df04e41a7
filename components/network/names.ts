/** Class of Gateways that Cilium serves; the chart creates it under this name. */
export const GATEWAY_CLASS = "cilium";

/** The one Gateway of the house; routes name it and the listener of their host. */
export const homeGateway = { name: "home", namespace: "networking" } as const;

/** Service that Cilium makes for it; it carries the gateway's address (operator/pkg/model/translation/gateway-api, prefix cilium-gateway-). */
export const GATEWAY_SERVICE = `cilium-gateway-${homeGateway.name}`;

/**
 * Leases by which nodes agree on who answers ARP for a service: `<this>-<namespace>-<service>` in kube-system (Cilium
 * pkg/l2announcer/l2announcer.go leasePrefix). The holder renews it every few seconds.
 */
export const L2_LEASE = "cilium-l2announce";

/** Secret of a service's certificate, in the Gateway's namespace. */
export function certificateSecret(service: string): string {
  return `tls-${service}`;
}

/** Label that lets a namespace attach routes to the home gateway. */
export const GATEWAY_ACCESS_LABEL = "homelab/gateway-access";
