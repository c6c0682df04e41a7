import { cidrRange, numberToIpv4, without, type Ipv4Range } from "../../config/cidr";
import type { Homelab } from "../../config/homelab";
import { ciliumFeatures } from "./cilium-version";
import type { Manifest } from "./manifest";
import { homeGateway } from "./names";

/** A closed range of addresses, as Cilium writes it. */
export interface AddressBlock {
  start: string;
  stop: string;
}

/** Who may take which addresses. */
export interface PoolPlan {
  /** The gateway's one address. */
  gateway: AddressBlock[];
  /** Everybody else's; empty if the pool has but one address. */
  services: AddressBlock[];
}

/** Label that Cilium puts on the Service of a Gateway (operator/pkg/model/translation/gateway-api, 1.15 to 1.18). */
const OWNING_GATEWAY = "io.cilium.gateway/owning-gateway";

/**
 * Splits the pool around the gateway's address. Blocks have a start and a stop: of a block in CIDR form Cilium 1.15
 * keeps the first and the last address to itself, which is exactly where a gateway tends to be.
 */
export function planPools(pool: string, gatewayIp: string): PoolPlan {
  const block = ({ first, last }: Ipv4Range) => ({ start: numberToIpv4(first), stop: numberToIpv4(last) });
  return {
    gateway: [{ start: gatewayIp, stop: gatewayIp }],
    services: without(cidrRange(pool), gatewayIp).map(block),
  };
}

/**
 * Pools of LoadBalancer addresses. Two that never overlap give the gateway its fixed address on every Cilium version:
 * annotations and `spec.infrastructure` depend on the version, and of overlapping pools Cilium disables the later one.
 */
export function addressPools(homelab: Homelab): Manifest[] {
  const { network, versions } = homelab;
  const plan = planPools(network.pool, network.gateway.ip);
  const owner = homeGateway.name;
  const pool = (name: string, blocks: AddressBlock[], serviceSelector: Record<string, unknown>): Manifest => ({
    apiVersion: ciliumFeatures(versions.charts.cilium).poolApi,
    kind: "CiliumLoadBalancerIPPool",
    metadata: { name },
    spec: { blocks, serviceSelector },
  });
  const gateway = pool("gateway", plan.gateway, { matchLabels: { [OWNING_GATEWAY]: owner } });
  const services = pool("services", plan.services, {
    matchExpressions: [{ key: OWNING_GATEWAY, operator: "NotIn", values: [owner] }],
  });
  return plan.services.length > 0 ? [gateway, services] : [gateway];
}
