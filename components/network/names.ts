/** Class of Gateways that Cilium serves; the chart creates it under this name. */
export const GATEWAY_CLASS = "cilium";

/** The one Gateway of the house; routes name it and the listener of their host. */
export const homeGateway = { name: "home", namespace: "networking" } as const;

/** Secret of a service's certificate, in the Gateway's namespace. */
export function certificateSecret(service: string): string {
  return `tls-${service}`;
}

/** Label that lets a namespace attach routes to the home gateway. */
export const GATEWAY_ACCESS_LABEL = "homelab/gateway-access";
