import { cidrRange, contains } from "../cidr";
import { issueIf, type Check } from "./check";

const bgp: Check = {
  name: "the BGP neighbour is a router on the LAN",
  run({ network, machines }) {
    const session = network.bgp;
    if (!session) {
      return [];
    }
    const self = Object.entries(machines).find(([, { address }]) => address === session.peerAddress)?.[0];
    return [
      ...issueIf(session.localAsn === session.peerAsn, () => ({
        path: "network.bgp.peerAsn",
        found: `${session.peerAsn}, the cluster's own number`,
        allowed: "another number than localAsn: the sessions are external BGP",
        fix: "give cluster and router a private number each, for example 64512 and 64513",
      })),
      ...issueIf(!contains(cidrRange(network.lan.cidr), session.peerAddress), () => ({
        path: "network.bgp.peerAddress",
        found: session.peerAddress,
        allowed: `an address in network.lan.cidr, ${network.lan.cidr}: external BGP reaches one hop`,
        fix: "name the router's address on the LAN of the machines",
      })),
      ...issueIf(self !== undefined, () => ({
        path: "network.bgp.peerAddress",
        found: `${session.peerAddress}, which is ${self}`,
        allowed: "the router's address: a machine of the homelab does not announce to itself",
        fix: `write network.lan.router, ${network.lan.router}`,
      })),
    ];
  },
};

/** Constructs that Go's regular expressions do not have, though JavaScript's do. */
const NOT_IN_GO = /\(\?[=!<]|\\[1-9]/;

const interfaces: Check = {
  name: "interface patterns can be read and match the VM",
  run({ network, machines }) {
    const patterns = network.lan.interfaces.map((source) => (NOT_IN_GO.test(source) ? undefined : compile(source)));
    if (patterns.includes(undefined)) {
      return patterns.flatMap((pattern, index) =>
        issueIf(pattern === undefined, () => ({
          path: `network.lan.interfaces[${index}]`,
          found: network.lan.interfaces[index],
          allowed: "a regular expression as Go reads it",
          fix: "write for example ^en.*",
        })),
      );
    }
    return Object.entries(machines).flatMap(([name, machine]) => {
      const vm = machine.role === "control-plane" ? machine.vm : undefined;
      return issueIf(vm !== undefined && !patterns.some((pattern) => pattern?.test(vm.interface)), () => ({
        path: `machines.${name}.vm.interface`,
        found: vm?.interface ?? "",
        allowed: `a name that one of network.lan.interfaces matches: ${network.lan.interfaces.join(", ")}`,
        fix: "rename the interface, or add a pattern; otherwise the VM cannot announce the gateway",
      }));
    });
  },
};

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}

export const announcementChecks: readonly Check[] = [bgp, interfaces];
