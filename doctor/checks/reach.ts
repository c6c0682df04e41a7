import { cidrRange, contains } from "../../config/cidr";
import type { Check, HostCheck } from "../check";
import type { Facts, HostFacts, Route } from "../facts";
import type { Verdict } from "../finding";
import { VM_HOST_KEY_HINT, type House, type Target } from "../house";

/** States of a neighbour-table entry that mean: asked by ARP, and nobody answered (linux/neighbour.h). */
const SILENT_NEIGHBOUR = ["FAILED", "INCOMPLETE"];
/** States that mean: it answered a moment ago. STALE, DELAY and PROBE only say that it once did. */
const PRESENT_NEIGHBOUR = ["REACHABLE", "PERMANENT"];

export function judgeRoute({ network }: House["homelab"], route: Route, router: Facts["router"]): Verdict[] {
  const { cidr, router: address } = network.lan;
  const expected = `a route to ${cidr}`;
  if (route.source === undefined) {
    return [
      {
        severity: "error",
        found: `this computer has no route to ${cidr} (${route.problem ?? "unknown"})`,
        expected,
        next: "ip -brief address; ip route: is the cable in, the Wi-Fi joined, the VPN up?",
      },
    ];
  }
  const by = route.interface === undefined ? route.source : `${route.source} on ${route.interface}`;
  if (!contains(cidrRange(cidr), route.source)) {
    return [{ severity: "ok", found: `reached from ${by}, through a router`, expected }];
  }
  if (router.pings !== true && SILENT_NEIGHBOUR.includes(router.neighbour ?? "")) {
    return [
      {
        severity: "error",
        // Machines on the same switch can still be reached.
        goOn: true,
        found: `this computer is on the LAN (${by}), but the router ${address} does not answer ARP`,
        expected: `${expected}, and a router that answers`,
        next: `ping -c 3 ${address}; look at the router's lights and at this computer's cable`,
      },
    ];
  }
  return [{ severity: "ok", found: `on the LAN as ${by}`, expected }];
}

export function judgeAddress({ name, address, port, hypervisor }: Target, hosts: Facts["hosts"]): Verdict[] {
  const { dial, neighbour, pings }: HostFacts = hosts[name];
  const expected = `${address} answers`;
  const vm = hypervisor === undefined ? undefined : hosts[hypervisor]?.sections.vm?.["vm.state"];
  if ((vm === "absent" || vm === "no libvirt") && (dial.state === "open" || dial.state === "refused" || pings)) {
    return [
      {
        severity: "error",
        found: `another machine has the address ${address} of the VM that is still to be made`,
        expected: "a free address, or this VM",
        next: `is it the old ${name}? Switch it off before \`pulumi up\`; ip neigh show ${address} tells its MAC address`,
      },
    ];
  }
  if (dial.state === "open" || dial.state === "refused") {
    return [{ severity: "ok", found: `answers on TCP ${port}`, expected }];
  }
  if (pings === true) {
    return [{ severity: "ok", found: "answers a ping", expected }];
  }
  if (PRESENT_NEIGHBOUR.includes(neighbour ?? "")) {
    return [{ severity: "ok", found: "answers ARP, though no ping", expected }];
  }
  if (SILENT_NEIGHBOUR.includes(neighbour ?? "")) {
    return [
      {
        severity: "error",
        found: `nobody on the LAN answers ARP for ${address}`,
        expected,
        next: "is the machine on, its cable in, its link light lit? On its own console: ip -brief address; ip -brief link",
      },
    ];
  }
  return [
    {
      severity: "error",
      found: `${address} does not answer${dial.code === undefined ? "" : ` (${dial.code})`}`,
      expected,
      next: `ping -c 3 ${address}; then on the machine's own console: ip -brief address; ip route`,
    },
  ];
}

export function judgePort({ address, port }: Target, { dial }: HostFacts): Verdict[] {
  const expected = `TCP ${port} is open`;
  if (dial.state === "open") {
    return [{ severity: "ok", found: "open", expected }];
  }
  return [
    dial.state === "refused"
      ? {
          severity: "error",
          found: `nothing listens on TCP ${port}`,
          expected,
          next: "on the machine's own console: systemctl status ssh; ss -tlnp",
        }
      : {
          severity: "error",
          found: `the machine is there, but TCP ${port} is silent`,
          expected,
          next: `a firewall drops it, or ${address} is another machine; on its own console: ufw status; nft list ruleset`,
        },
  ];
}

export function judgeSsh({ address, port }: Target, { login }: HostFacts): Verdict[] {
  const expected = "an SSH server";
  if (login?.stage === "silent" || login === undefined) {
    return [
      {
        severity: "error",
        found: `something accepts connections on TCP ${port} and does not speak SSH in time`,
        expected,
        next: `nc -w 5 ${address} ${port}: SSH shows a line SSH-2.0-...; on the machine's own console: systemctl restart ssh; uptime`,
      },
    ];
  }
  return [
    login.stage === "broken" && login.offered === undefined
      ? {
          severity: "error",
          found: `no SSH: ${login.problem ?? "unknown"}`,
          expected,
          next: `ssh -v -p ${port} ${address}: read where it ends; the server must have an ed25519 host key (ssh-keygen -A)`,
        }
      : { severity: "ok", found: "speaks SSH", expected },
  ];
}

export function judgeHostKey(target: Target, { login }: HostFacts): Verdict[] {
  const { name, hostKey, missing, address, port } = target;
  const offered = login?.offered;
  if (hostKey === undefined) {
    return [
      {
        severity: "unknown",
        found: `cannot be checked: ${missing.hostKey ?? "not known"}`,
        expected: "the pinned host key",
        next:
          missing.hostKey === VM_HOST_KEY_HINT
            ? "pulumi stack output controlPlaneHostKey"
            : `on ${name}'s own console: cat /etc/ssh/ssh_host_ed25519_key.pub; it offers ${offered ?? "none"} to this computer, ` +
              "and a line that only came over the network proves nothing",
      },
    ];
  }
  if (offered !== hostKey) {
    return [
      {
        severity: "error",
        found: `another host key than the pinned one: ${offered ?? "none"}`,
        expected: hostKey,
        next:
          `on the machine's own console: cat /etc/ssh/ssh_host_ed25519_key.pub. If it was reinstalled, put that line into ` +
          `machines.${name}.ssh.hostKey; if it shows the pinned one, something else answers at ${address}:${port}`,
      },
    ];
  }
  return [{ severity: "ok", found: "the pinned one", expected: "the pinned host key" }];
}

export function judgeLogin({ user, address, port }: Target, { login }: HostFacts): Verdict[] {
  const expected = `a login as ${user}`;
  if (login?.stage === "in") {
    return [{ severity: "ok", found: `logged in as ${user}`, expected }];
  }
  return [
    login?.stage === "auth"
      ? {
          severity: "error",
          found: `${user} cannot log in: ${login.problem ?? "no key was accepted"}`,
          expected,
          next: `ssh-add -l; ssh -p ${port} ${user}@${address}; or name a private key in HOMELAB_SSH_KEY`,
        }
      : {
          severity: "error",
          found: `the connection broke off: ${login?.problem ?? "unknown"}`,
          expected,
          next: `ssh -v -p ${port} ${user}@${address}; on the machine's own console: journalctl -u ssh -n 20; uptime; df -h /`,
        },
  ];
}

export function judgeSudo({ user, name }: Target, { login }: HostFacts): Verdict[] {
  const expected = user === "root" ? "root" : `sudo -n for ${user}`;
  if (login?.sudoRefused !== undefined) {
    return [
      {
        severity: "error",
        found: `sudo refuses: ${login.sudoRefused}`,
        expected,
        next: `on ${name}: echo '${user} ALL=(ALL) NOPASSWD:ALL' | sudo tee /etc/sudoers.d/90-homelab; sudo chmod 0440 /etc/sudoers.d/90-homelab`,
      },
    ];
  }
  return [{ severity: "ok", found: user === "root" ? "root itself" : "works without a password", expected }];
}

/** The VM does not answer because it is not there, or is off: its hypervisor knows. */
const vmOf: HostCheck["explainedBy"] = ({ hypervisor }) =>
  hypervisor === undefined ? undefined : { check: "hypervisor.vm", host: hypervisor };

export const reachChecks: readonly Check[] = [
  {
    scope: "house",
    name: "link.route",
    layer: "link",
    why: "without a way to the LAN nothing else can be reached, and everything looks broken",
    needs: [],
    judge: ({ house, facts }) => judgeRoute(house.homelab, facts.route, facts.router),
  },
  {
    scope: "host",
    name: "address.answers",
    layer: "address",
    why: "a machine that is off, unplugged or at another address cannot be set up or repaired over the network",
    needs: ["link.route"],
    explainedBy: vmOf,
    judge: (target, { facts }) => judgeAddress(target, facts.hosts),
  },
  {
    scope: "host",
    name: "port.ssh",
    layer: "port",
    why: "every step on a machine goes over SSH",
    needs: ["address.answers"],
    judge: (target, { facts }) => judgePort(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "ssh.speaks",
    layer: "ssh",
    why: "a port that accepts and stays silent lets every step run into its time limit",
    needs: ["port.ssh"],
    judge: (target, { facts }) => judgeSsh(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "ssh.host-key",
    layer: "ssh",
    why: "the pinned key is the only proof that secrets go to this machine and to nobody between",
    needs: ["ssh.speaks"],
    judge: (target, { facts }) => judgeHostKey(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "ssh.login",
    layer: "ssh",
    why: "without a login no step runs",
    needs: ["ssh.host-key"],
    judge: (target, { facts }) => judgeLogin(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "sudo.works",
    layer: "sudo",
    why: "every step runs as root, and nobody is there to type a password",
    needs: ["ssh.login"],
    judge: (target, { facts }) => judgeSudo(target, facts.hosts[target.name]),
  },
];
