import * as ipaddr from "ipaddr.js";
import { cidrRange, contains, numberToIpv4, overlaps, prefixLength } from "../cidr";
import type { ConfigIssue } from "../issues";
import { issueIf, type Check } from "./check";

/** Cilium hands each node a network of this size (ipam.operator.clusterPoolIPv4MaskSize). */
const NODE_PREFIX = 24;
/** The API server takes at most 20 bits of service addresses (--service-cluster-ip-range). */
const WIDEST_SERVICE_PREFIX = 12;
/** The platform alone has about eighty services. */
const NARROWEST_SERVICE_PREFIX = 24;
/** Kubernetes' node networks may be at most 16 bits longer than the cluster's. */
const WIDEST_POD_PREFIX = 8;

const lan: Check = {
  name: "router and machines are on the LAN",
  run({ network, machines }) {
    const range = cidrRange(network.lan.cidr);
    const edges = [range.first, range.last].map(numberToIpv4);
    const places = [
      { path: "network.lan.router", address: network.lan.router },
      ...Object.entries(machines).map(([name, { address }]) => ({ path: `machines.${name}.address`, address })),
    ];
    return places.flatMap(({ path, address }, index): ConfigIssue[] => [
      ...issueIf(!contains(range, address) || edges.includes(address), () => ({
        path,
        found: address,
        allowed: `an address of a machine in network.lan.cidr, ${network.lan.cidr}`,
        fix: "correct the address, or the network",
      })),
      ...issueIf(index > 0 && address === network.lan.router, () => ({
        path,
        found: `${address}, the router's address`,
        allowed: "an address of its own",
        fix: "correct the address, or network.lan.router",
      })),
    ]);
  },
};

const disjoint: Check = {
  name: "networks do not overlap",
  run({ network }) {
    const networks: [path: string, value: string, others: readonly string[]][] = [
      ["network.podCidr", network.podCidr, ["network.lan.cidr"]],
      ["network.serviceCidr", network.serviceCidr, ["network.lan.cidr", "network.podCidr"]],
      ["network.pool", network.pool, ["network.podCidr", "network.serviceCidr"]],
    ];
    const values: Record<string, string> = {
      "network.lan.cidr": network.lan.cidr,
      "network.podCidr": network.podCidr,
      "network.serviceCidr": network.serviceCidr,
    };
    return networks.flatMap(([path, value, others]) =>
      others.flatMap((other) =>
        issueIf(overlaps(cidrRange(value), cidrRange(values[other])), () => ({
          path,
          found: `${value}, which overlaps ${other} ${values[other]}`,
          allowed: "a network apart from the LAN, the pods and the services",
          fix: "choose another private network, for example 10.42.0.0/16 for pods and 10.43.0.0/16 for services",
        })),
      ),
    );
  },
};

const sizes: Check = {
  name: "networks are big enough",
  run({ network: { podCidr, serviceCidr }, machines }) {
    const nodes = Object.values(machines).filter(({ role }) => role !== "hypervisor").length;
    const narrowest = NODE_PREFIX - Math.ceil(Math.log2(Math.max(1, nodes)));
    const [pods, services] = [prefixLength(podCidr), prefixLength(serviceCidr)];
    return [
      ...issueIf(pods > narrowest || pods < WIDEST_POD_PREFIX, () => ({
        path: "network.podCidr",
        found: podCidr,
        allowed: `a /${narrowest} or wider, down to /${WIDEST_POD_PREFIX}: each of the ${nodes} nodes takes a /${NODE_PREFIX} of it`,
        fix: "write for example 10.42.0.0/16",
      })),
      ...issueIf(services > NARROWEST_SERVICE_PREFIX || services < WIDEST_SERVICE_PREFIX, () => ({
        path: "network.serviceCidr",
        found: serviceCidr,
        allowed: `a /${WIDEST_SERVICE_PREFIX} to /${NARROWEST_SERVICE_PREFIX}: the API server takes no wider one, and DNS and some eighty services need room`,
        fix: "write for example 10.43.0.0/16",
      })),
    ];
  },
};

const privateNetworks: Check = {
  name: "pods and services have private addresses",
  run({ network }) {
    return (["podCidr", "serviceCidr"] as const).flatMap((key) => {
      const kind = ipaddr.IPv4.parse(network[key].split("/")[0]).range();
      return issueIf(kind !== "private" && kind !== "carrierGradeNat", () => ({
        path: `network.${key}`,
        found: network[key],
        allowed: "a private network: the real owner of these addresses could not be reached from the cluster",
        fix: "choose one in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10",
      }));
    });
  },
};

export const networkChecks: readonly Check[] = [lan, disjoint, sizes, privateNetworks];
