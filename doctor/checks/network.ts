import type { Check } from "../check";
import type { Answer, Facts } from "../facts";
import type { Verdict } from "../finding";
import type { House } from "../house";

/** Ranges that are never a house's address on the internet (RFC 1918, 6598, 3927, 1122). */
const PRIVATE =
  /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)/;

/** node:dns codes of a resolver that did not answer at all. */
const NO_RESOLVER = ["ETIMEOUT", "ECONNREFUSED", "ECANCELLED"];

export function judgeBgp({ homelab, targets }: House, facts: Facts): Verdict[] {
  const { bgp } = homelab.network;
  if (!bgp) {
    return [];
  }
  const { peerAddress, peerAsn, localAsn } = bgp;
  const neighbours = homelab.nodes.map(({ address }) => address).join(", ");
  const expected = `BGP of ${peerAddress} lets the nodes in`;
  const seen = targets.flatMap(({ name }) => {
    const state = facts.hosts[name].sections.network?.bgp;
    return state === undefined ? [] : [{ name, state }];
  });
  const good = seen.filter(({ state }) => state === "open" || state === "established");
  const bad = seen.filter((entry) => !good.includes(entry));
  const next =
    `on the router: is BGP on, AS ${peerAsn}, with neighbours ${neighbours} of AS ${localAsn}? ` +
    "In the cluster: cilium bgp peers, in a cilium pod";
  if (bad.length > 0) {
    return bad.map(({ name, state }) => ({
      // Neighbours on the LAN still find the pool by ARP.
      severity: "warning",
      item: name,
      found: state === "no session" ? "no session with the router" : `TCP 179 of ${peerAddress} is ${state}`,
      expected,
      next,
    }));
  }
  if (good.length > 0) {
    const states = [...new Set(good.map(({ state }) => state))].join(", ");
    return [{ severity: "ok", found: `${states}, asked from ${good.map(({ name }) => name).join(", ")}`, expected }];
  }
  const dial = facts.bgp;
  return [
    dial?.state === "open"
      ? { severity: "ok", found: "open, asked from this computer, for no node could be", expected }
      : {
          severity: "unknown",
          found: `${dial?.state ?? "not asked"} from this computer; many routers let in their neighbours only, and no node could be asked`,
          expected,
          next: "repair the logins first; then run this again",
        },
  ];
}

export function judgeResolvers({ homelab }: House, dns: Facts["dns"]): Verdict[] {
  return homelab.network.lan.dns.map((server): Verdict => {
    const answers = Object.values(dns[server] ?? {});
    const silent = answers.length === 0 || answers.every(({ problem }) => NO_RESOLVER.includes(problem ?? ""));
    const expected = "answers";
    return silent
      ? {
          severity: "error",
          item: server,
          found: `no answer (${answers[0]?.problem ?? "not asked"})`,
          expected,
          next: `dig @${server} ${homelab.network.domain}; is the resolver on, and does it answer this computer's network?`,
        }
      : { severity: "ok", item: server, found: "answers", expected };
  });
}

export function judgeNames({ homelab }: House, dns: Facts["dns"]): Verdict[] {
  const { network, routes } = homelab;
  const split = network.dns === "split";
  const expected = split ? `${network.gateway.ip}, by the house's own resolver` : "the house's public address";
  const wrong = (answer: Answer | undefined): string | undefined => {
    if (answer === undefined) {
      return "not asked";
    }
    if (answer.problem !== undefined) {
      return answer.problem === "ENOTFOUND" || answer.problem === "ENODATA" ? "no address" : answer.problem;
    }
    const { addresses } = answer;
    const good = split
      ? addresses.every((address) => address === network.gateway.ip)
      : addresses.every((address) => !PRIVATE.test(address));
    return good ? undefined : addresses.join(", ");
  };
  return Object.values(routes).map((name): Verdict => {
    const servers = network.lan.dns.filter((server) => !NO_RESOLVER.includes(dns[server]?.[name]?.problem ?? ""));
    const faults = servers.flatMap((server) => {
      const fault = wrong(dns[server]?.[name]);
      return fault === undefined ? [] : [`${server} says: ${fault}`];
    });
    return faults.length === 0
      ? { severity: "ok", item: name, found: split ? network.gateway.ip : "a public address", expected }
      : {
          severity: "error",
          item: name,
          found: faults.join("; "),
          expected,
          next: split
            ? `in the house's resolver: ${name} A ${network.gateway.ip} (dnsmasq: address=/${name}/${network.gateway.ip}); or set network.dns: hairpin`
            : `public record: ${name} A <WAN address>, no AAAA that leads elsewhere; or set network.dns: split`,
        };
  });
}

export const networkChecks: readonly Check[] = [
  {
    scope: "house",
    name: "router.bgp",
    layer: "router",
    why: "without BGP other subnets do not find the pool; neighbours on the LAN still do, by ARP",
    applies: ({ whole, homelab }) => whole && homelab.network.bgp !== undefined,
    needs: ["link.route"],
    judge: ({ house, facts }) => judgeBgp(house, facts),
  },
  {
    scope: "house",
    name: "dns.resolver",
    layer: "dns",
    why: "machines and pods resolve names through these servers",
    applies: ({ whole }) => whole,
    needs: ["link.route"],
    judge: ({ house, facts }) => judgeResolvers(house, facts.dns),
  },
  {
    scope: "house",
    name: "dns.names",
    layer: "dns",
    why: "browsers, and the services' own logins, reach a service by its name only",
    applies: ({ whole }) => whole,
    needs: ["dns.resolver"],
    judge: ({ house, facts }) => judgeNames(house, facts.dns),
  },
];
