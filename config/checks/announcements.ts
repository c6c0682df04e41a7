import { cidrRange, contains } from "../cidr";
import { ofEach, ofRules } from "../readable";
import { issueIf, type Check } from "./check";

const bgp: Check = {
  name: "the BGP neighbour is a router on the LAN",
  run(config) {
    const { network } = config;
    const session = network.bgp;
    if (!session) {
      return [];
    }
    return ofRules(
      () =>
        issueIf(session.localAsn === session.peerAsn, () => ({
          path: "network.bgp.peerAsn",
          found: `${session.peerAsn}, the cluster's own number`,
          allowed: "another number than localAsn: the sessions are external BGP",
          fix: "give cluster and router a private number each, for example 64512 and 64513",
        })),
      () =>
        issueIf(!contains(cidrRange(network.lan.cidr), session.peerAddress), () => ({
          path: "network.bgp.peerAddress",
          found: session.peerAddress,
          allowed: `an address in network.lan.cidr, ${network.lan.cidr}: external BGP reaches one hop`,
          fix: "name the router's address on the LAN of the machines",
        })),
      () => {
        const [self] = ofEach(config.machines, ({ address }, name) => (address === session.peerAddress ? [name] : []));
        return issueIf(self !== undefined, () => ({
          path: "network.bgp.peerAddress",
          found: `${session.peerAddress}, which is ${self}`,
          allowed: "the router's address: a machine of the homelab does not announce to itself",
          fix: `write network.lan.router, ${network.lan.router}`,
        }));
      },
    );
  },
};

/** Constructs that Go's regular expressions do not have, though JavaScript's do. */
const NOT_IN_GO = /\(\?[=!<]|\\[1-9]/;

const interfaces: Check = {
  name: "interface patterns can be read and match the VM",
  run(config) {
    const { interfaces } = config.network.lan;
    const unread = ofEach(interfaces, (source, index) =>
      issueIf(compile(source) === undefined, () => ({
        path: `network.lan.interfaces[${index}]`,
        found: source,
        allowed: "a regular expression as Go reads it",
        fix: "write for example ^en.*",
      })),
    );
    if (unread.length > 0) {
      return unread;
    }
    const patterns = interfaces.map(compile);
    return ofEach(config.machines, (machine, name) => {
      const vm = machine.role === "control-plane" ? machine.vm : undefined;
      return issueIf(vm !== undefined && !patterns.some((pattern) => pattern?.test(vm.interface)), () => ({
        path: `machines.${name}.vm.interface`,
        found: vm?.interface ?? "",
        allowed: `a name that one of network.lan.interfaces matches: ${interfaces.join(", ")}`,
        fix: "rename the interface, or add a pattern; otherwise the VM cannot announce the gateway",
      }));
    });
  },
};

/** undefined for what Go cannot read. */
function compile(source: string): RegExp | undefined {
  try {
    return NOT_IN_GO.test(source) ? undefined : new RegExp(source);
  } catch {
    return undefined;
  }
}

export const announcementChecks: readonly Check[] = [bgp, interfaces];
