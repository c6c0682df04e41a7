import type { Homelab } from "../../config/homelab";

/**
 * The only addresses from which forwarded headers (client address, scheme, host) are believed, in CIDR form: the
 * gateway's Envoy runs on the nodes and connects from an address of the pod network or of its node. Everybody else who
 * sends such headers is lying.
 */
export function trustedProxies(homelab: Homelab): string[] {
  return [homelab.network.podCidr, ...homelab.nodes.map((node) => `${node.address}/32`)];
}
