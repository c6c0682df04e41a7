import { cidrRange, contains, numberToIpv4, overlaps, within } from "../cidr";
import { ofEach, ofRules } from "../readable";
import type { RawHomelab } from "../schema";
import { issueIf, type Check } from "./check";

const gateway: Check = {
  name: "the gateway's address is in the pool",
  run(config) {
    const {
      gateway: { ip },
      pool,
    } = config.network;
    if (contains(cidrRange(pool), ip)) {
      return [];
    }
    return ofRules(
      () => [
        {
          path: "network.gateway.ip",
          found: ip,
          allowed: `an address in network.pool, ${pool}`,
          fix: "move the address, or the pool",
        },
      ],
      () => {
        const [machine] = ofEach(config.machines, ({ address }, name) => (address === ip ? [name] : []));
        return issueIf(machine !== undefined, () => ({
          path: "network.gateway.ip",
          found: `${ip}, which is ${machine}`,
          allowed: "an address that no machine has",
          fix: "choose a free address for the gateway",
        }));
      },
    );
  },
};

/** Whether the pool lies in the LAN: then neighbours look for its addresses by ARP and never ask the router. */
function poolOnLan(network: RawHomelab["network"]): boolean {
  return within(cidrRange(network.pool), cidrRange(network.lan.cidr));
}

const announced: Check = {
  name: "the pool can be reached from the house",
  run({ network }) {
    const { pool, lan } = network;
    if (poolOnLan(network)) {
      return issueIf(!network.l2Announcements, () => ({
        path: "network.l2Announcements",
        found: "false",
        allowed: `true, because the pool ${pool} lies in the LAN ${lan.cidr}: its neighbours ask for the address by ARP, and BGP answers only other networks`,
        fix: "write true, or move the pool out of the LAN and announce it by BGP",
      }));
    }
    if (overlaps(cidrRange(pool), cidrRange(lan.cidr))) {
      return [
        {
          path: "network.pool",
          found: pool,
          allowed: `a part of the LAN ${lan.cidr}, or a network apart from it`,
          fix: "choose a few free addresses of the LAN, for example a /28",
        },
      ];
    }
    return issueIf(network.bgp === undefined, () => ({
      path: "network.bgp",
      found: "nothing",
      allowed: `a BGP session, because the pool ${pool} lies outside of the LAN ${lan.cidr}: nobody else tells the router the way`,
      fix: "add bgp, or take addresses of the LAN and l2Announcements",
    }));
  },
};

const free: Check = {
  name: "addresses of the pool are free",
  run(config) {
    const { network } = config;
    const pool = cidrRange(network.pool);
    const range = cidrRange(network.lan.cidr);
    if (overlaps(pool, range) && !poolOnLan(network)) {
      return [];
    }
    const outside = (path: string, address: string) =>
      issueIf(contains(pool, address), () => ({
        path,
        found: `${address}, which lies in network.pool ${network.pool}`,
        allowed: "an address outside of the pool: Cilium would give it to a service as well",
        fix: "move the pool, or this address",
      }));
    const edge = [range.first, range.last].map(numberToIpv4).find((address) => contains(pool, address));
    return ofRules(
      () => outside("network.lan.router", network.lan.router),
      () => ofEach(network.lan.dns, (address, index) => outside(`network.lan.dns[${index}]`, address)),
      () => ofEach(config.machines, ({ address }, name) => outside(`machines.${name}.address`, address)),
      () =>
        issueIf(edge !== undefined, () => ({
          path: "network.pool",
          found: `${network.pool}, which contains ${edge}`,
          allowed: "addresses of hosts: this one is the LAN's network or broadcast address",
          fix: "choose a pool that does not touch an end of the LAN",
        })),
    );
  },
};

export const poolChecks: readonly Check[] = [gateway, announced, free];
