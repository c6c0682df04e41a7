import * as ipaddr from "ipaddr.js";
import { cidrRange, contains, numberToIpv4, overlaps, prefixLength } from "../cidr";
import { ofEach, ofRules } from "../readable";
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
  run(config) {
    const { network } = config;
    const range = cidrRange(network.lan.cidr);
    const edges = [range.first, range.last].map(numberToIpv4);
    const onLan = (path: string, address: string) =>
      issueIf(!contains(range, address) || edges.includes(address), () => ({
        path,
        found: address,
        allowed: `an address of a machine in network.lan.cidr, ${network.lan.cidr}`,
        fix: "correct the address, or the network",
      }));
    return ofRules(
      () => onLan("network.lan.router", network.lan.router),
      () =>
        ofEach(config.machines, ({ address }, name) => {
          const path = `machines.${name}.address`;
          return ofRules(
            () => onLan(path, address),
            () =>
              issueIf(address === network.lan.router, () => ({
                path,
                found: `${address}, the router's address`,
                allowed: "an address of its own",
                fix: "correct the address, or network.lan.router",
              })),
          );
        }),
    );
  },
};

const disjoint: Check = {
  name: "networks do not overlap",
  run({ network }) {
    const values = {
      "lan.cidr": () => network.lan.cidr,
      podCidr: () => network.podCidr,
      serviceCidr: () => network.serviceCidr,
      pool: () => network.pool,
    };
    const pairs: [one: keyof typeof values, other: keyof typeof values][] = [
      ["podCidr", "lan.cidr"],
      ["serviceCidr", "lan.cidr"],
      ["serviceCidr", "podCidr"],
      ["pool", "podCidr"],
      ["pool", "serviceCidr"],
    ];
    return ofEach(pairs, ([one, other]) => {
      const [own, taken] = [values[one](), values[other]()];
      return issueIf(overlaps(cidrRange(own), cidrRange(taken)), () => ({
        path: `network.${one}`,
        found: `${own}, which overlaps network.${other} ${taken}`,
        allowed: "a network apart from the LAN, the pods and the services",
        fix: "choose another private network, for example 10.42.0.0/16 for pods and 10.43.0.0/16 for services",
      }));
    });
  },
};

const sizes: Check = {
  name: "networks are big enough",
  run(config) {
    const { network } = config;
    return ofRules(
      () => {
        const nodes = Object.values(config.machines).filter(({ role }) => role !== "hypervisor").length;
        const narrowest = NODE_PREFIX - Math.ceil(Math.log2(Math.max(1, nodes)));
        const pods = prefixLength(network.podCidr);
        return issueIf(pods > narrowest || pods < WIDEST_POD_PREFIX, () => ({
          path: "network.podCidr",
          found: network.podCidr,
          allowed: `a /${narrowest} or wider, down to /${WIDEST_POD_PREFIX}: each of the ${nodes} nodes takes a /${NODE_PREFIX} of it`,
          fix: "write for example 10.42.0.0/16",
        }));
      },
      () => {
        const services = prefixLength(network.serviceCidr);
        return issueIf(services > NARROWEST_SERVICE_PREFIX || services < WIDEST_SERVICE_PREFIX, () => ({
          path: "network.serviceCidr",
          found: network.serviceCidr,
          allowed: `a /${WIDEST_SERVICE_PREFIX} to /${NARROWEST_SERVICE_PREFIX}: the API server takes no wider one, and DNS and some eighty services need room`,
          fix: "write for example 10.43.0.0/16",
        }));
      },
    );
  },
};

const privateNetworks: Check = {
  name: "pods and services have private addresses",
  run({ network }) {
    return ofEach(["podCidr", "serviceCidr"] as const, (key) => {
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
