import { toBytes } from "../../config/units";
import { line, parseVersion, type Version } from "../../config/version";
import type { Check } from "../check";
import type { Facts, HostFacts } from "../facts";
import type { Verdict } from "../finding";
import type { House, Target } from "../house";
import { placesOf, vmOn } from "../probe";

/** Releases of the operating system that the program was written for or tried on. */
const TRIED: Readonly<Record<string, readonly string[]>> = { ubuntu: ["22.04", "24.04"], debian: ["12"] };

/** Least kernel of a Cilium line (Documentation/operations/system_requirements.rst). */
const CILIUM_KERNEL: readonly [line: Version, kernel: Version][] = [
  [version(1, 18), version(5, 10)],
  [version(1, 16), version(5, 4)],
  [version(1, 15), version(4, 19)],
];

function version(major: number, minor: number): Version {
  return { major, minor, patch: 0 };
}

const older = (one: Version, other: Version) => one.major - other.major || one.minor - other.minor;

/** A fact of the section `system`; empty if the machine did not come to it. */
function system({ sections }: HostFacts, name: string): string {
  return sections.system?.[name] ?? "";
}

/** What is said of facts that a machine did not deliver before the deadline. */
export function late(name: string, what: string): Verdict {
  return {
    severity: "unknown",
    found: `${name} did not say in time`,
    expected: what,
    next: "run it again with --timeout 60; if it stays so: uptime and dmesg on the machine, for something hangs there",
  };
}

export function judgeIdentity(target: Target, facts: HostFacts): Verdict[] {
  const { name, identity, missing, machine } = target;
  const kind = identity?.kind ?? machine.identity?.kind ?? "machine-id";
  const found = system(facts, "identity");
  if (facts.sections.system === undefined) {
    return [late(name, `its ${kind}`)];
  }
  if (identity === undefined) {
    return [
      {
        severity: "unknown",
        goOn: true,
        found: `cannot be checked: ${missing.identity ?? "not known"}; the machine says '${found}'`,
        expected: `the ${kind} of the configuration`,
        next: `if this is really ${name}: put '${found}' into machines.${name}.identity.value`,
      },
    ];
  }
  if (found !== identity.value) {
    return [
      {
        severity: "error",
        found: found === "" ? `it does not tell its ${kind}` : `another machine: its ${kind} is '${found}'`,
        expected: `'${identity.value}'`,
        next:
          found === ""
            ? `on ${name}: sudo dmidecode -t system; or use machine-id in machines.${name}.identity`
            : `compare ${kind} on the machine's own label or console; if it was replaced on purpose, put the new value into machines.${name}.identity.value`,
      },
    ];
  }
  return [{ severity: "ok", found: `its ${kind} is '${found}'`, expected: `'${identity.value}'` }];
}

/** Two machines that state the same: cloned disks, or one machine at two addresses. */
export function judgeUnique(targets: readonly Target[], hosts: Facts["hosts"]): Verdict[] {
  const seen = (
    what: string,
    of: (facts: HostFacts, target: Target) => string | undefined,
    severity: "error" | "warning",
  ) => {
    const byValue = new Map<string, string[]>();
    for (const target of targets) {
      const value = of(hosts[target.name], target);
      if (value) {
        byValue.set(value, [...(byValue.get(value) ?? []), target.name]);
      }
    }
    return [...byValue].flatMap(([value, names]): Verdict[] =>
      names.length < 2
        ? []
        : [
            {
              severity,
              item: what,
              found: `${names.join(" and ")} have the same: ${value}`,
              expected: "each its own",
              next:
                what === "machine-id"
                  ? `on all but one: sudo rm /etc/machine-id /var/lib/dbus/machine-id; sudo systemd-machine-id-setup; sudo reboot`
                  : what === "host key"
                    ? "on all but one: sudo rm /etc/ssh/ssh_host_*; sudo ssh-keygen -A; sudo systemctl restart ssh; pin the new one"
                    : "sudo hostnamectl set-hostname NAME on each; on nodes `pulumi up` does it",
            },
          ],
    );
  };
  const verdicts = [
    ...seen("machine-id", (facts) => system(facts, "machineId"), "error"),
    ...seen("host key", (facts) => facts.login?.offered, "error"),
    // The bootstrap gives every node its name, so before the first run two fresh ones may share theirs.
    ...seen("host name", (facts) => system(facts, "hostname"), "warning"),
  ];
  const asked = targets.filter(({ name }) => hosts[name].sections.system !== undefined).length;
  return verdicts.length > 0
    ? verdicts
    : [{ severity: "ok", found: `no two of ${asked} machines share one`, expected: "each its own" }];
}

export function judgeOs({ name, machine }: Target, facts: HostFacts): Verdict[] {
  const [id, release, pretty] = ["os.id", "os.version", "os.name"].map((key) => system(facts, key));
  const gpu = machine.role === "worker" && machine.gpu !== undefined;
  const expected = gpu ? "Ubuntu 22.04" : "Ubuntu 22.04, or Debian 12";
  if (!(id in TRIED)) {
    return [
      {
        severity: "error",
        found: pretty || "an unknown system",
        expected,
        next: `install ${expected} on ${name}: the steps use apt and systemd`,
      },
    ];
  }
  if (gpu && id !== "ubuntu") {
    return [
      {
        severity: "error",
        found: pretty,
        expected,
        next: `install Ubuntu 22.04 on ${name}: the driver comes from Ubuntu's server packages; or leave gpu out`,
      },
    ];
  }
  return TRIED[id].includes(release)
    ? [{ severity: "ok", found: pretty, expected }]
    : [
        {
          severity: "warning",
          found: `${pretty}, on which nothing was tried`,
          expected,
          next: "expect surprises; watch the first run",
        },
      ];
}

export function judgeKernel(house: House, { machine }: Target, facts: HostFacts): Verdict[] {
  const found = system(facts, "kernel");
  const kernel = parseVersion(found) ?? parseVersion(`${/^[0-9]+\.[0-9]+/.exec(found)?.[0] ?? ""}.0`);
  if (!kernel) {
    return [{ severity: "unknown", found: `'${found}' is no version`, expected: "a Linux kernel", next: "uname -r" }];
  }
  if (machine.role === "hypervisor") {
    return [{ severity: "ok", found, expected: "any" }];
  }
  // Ubuntu 22.04's kernels with a broken NFS client (Longhorn 1.6 scripts/environment_check.sh).
  if (/^5\.15\.0-9[4-9]-/.test(found)) {
    return [
      {
        severity: "error",
        found: `${found}, whose NFS client is broken`,
        expected: "5.15.0-100 or newer",
        next: "sudo apt-get update && sudo apt-get dist-upgrade, then reboot",
      },
    ];
  }
  const cilium = parseVersion(house.homelab.versions.charts.cilium) ?? version(1, 18);
  const [, least] = CILIUM_KERNEL.find(([since]) => older(cilium, since) >= 0) ?? CILIUM_KERNEL[0];
  const expected = `${line(least)} or newer, for Cilium ${line(cilium)}`;
  return older(kernel, least) >= 0
    ? [{ severity: "ok", found, expected }]
    : [{ severity: "error", found, expected, next: "sudo apt-get install linux-generic-hwe-22.04, then reboot" }];
}

export function judgeArchitecture({ name }: Target, facts: HostFacts): Verdict[] {
  const found = system(facts, "architecture");
  return [
    found === "x86_64"
      ? { severity: "ok", found, expected: "x86_64" }
      : {
          severity: "error",
          found,
          expected: "x86_64",
          next: `leave ${name} out: every pinned binary and digest is for amd64`,
        },
  ];
}

export function judgeFirewall({ machine }: Target, facts: HostFacts): Verdict[] {
  const found = system(facts, "firewall");
  return [
    found === "none" || machine.role === "hypervisor"
      ? { severity: "ok", found, expected: "none that drops traffic of pods" }
      : {
          severity: "error",
          found: `${found} is active`,
          expected: "none that drops traffic of pods",
          next: "sudo ufw disable, or: sudo systemctl disable --now firewalld",
        },
  ];
}

/** Below this share of free space the kubelet soon evicts pods and deletes images; and below that it does. */
const SPACE = { warning: 0.15, error: 0.1 } as const;

export function judgeSpace(house: House, target: Target, facts: HostFacts): Verdict[] {
  const { machine } = target;
  const vm = machine.role === "hypervisor" ? vmOn(house.homelab, machine) : undefined;
  const places = placesOf(target);
  const verdicts = places.map((place): Verdict => {
    const [total, free] = system(facts, `space.${place}`).split(" ").map(Number);
    if (!(total > 0)) {
      return { ...late(target.name, "free space"), item: place };
    }
    const share = free / total;
    const found = `${(free / 1e9).toFixed(1)} GB free of ${(total / 1e9).toFixed(1)} GB (${Math.floor(share * 100)} %)`;
    const next = `sudo du -xh --max-depth=2 ${place} | sort -h | tail; sudo journalctl --vacuum-size=500M; sudo apt-get clean`;
    // The image of a VM is sparse and grows; until it is there, all of it has still to find room.
    const wanted = vm && facts.sections.hypervisor?.vmFiles !== "present" ? Number(toBytes(vm.vm.disk)) : 0;
    if (machine.role === "hypervisor" && place === machine.libvirt.imageFolder && free < wanted) {
      const expected = `${(wanted / 1e9).toFixed(1)} GB for the VM's disk`;
      return { severity: "error", item: place, found, expected, next };
    }
    const severity = share < SPACE.error ? "error" : share < SPACE.warning ? "warning" : "ok";
    return {
      severity,
      item: place,
      found,
      expected: `at least ${SPACE.warning * 100} % free`,
      ...(severity === "ok" ? {} : { next }),
    };
  });
  // Two places on one file system are said once.
  return verdicts.filter(
    ({ found, severity }, index) =>
      verdicts.findIndex((other) => other.found === found && other.severity === severity) === index,
  );
}

/** Seconds by which clocks may differ: what certificates and etcd leases bear, and what nobody notices. */
const CLOCK = { error: 30, warning: 5 } as const;

/** All machines at once: if they agree with each other and not with this computer, it is this computer that is wrong. */
export function judgeClocks(targets: readonly Target[], hosts: Facts["hosts"]): Verdict[] {
  const clocks = targets.flatMap(({ name }) => {
    const clock = hosts[name].login?.clock;
    return clock === undefined ? [] : [{ name, ...clock }];
  });
  const expected = `within ${CLOCK.warning} s of this computer`;
  if (clocks.length === 0) {
    return [{ severity: "unknown", found: "no machine told its time", expected, next: "repair the logins first" }];
  }
  const beyond = ({ offset, uncertainty }: { offset: number; uncertainty: number }, limit: number) =>
    Math.abs(offset) - uncertainty > limit;
  const said = (offset: number) => `${Math.abs(offset).toFixed(1)} s ${offset > 0 ? "ahead" : "behind"}`;
  const offsets = clocks.map(({ offset }) => offset).sort((one, other) => one - other);
  const slack = Math.max(...clocks.map(({ uncertainty }) => uncertainty));
  const agree = clocks.length > 1 && offsets[offsets.length - 1] - offsets[0] <= 2 + 2 * slack;
  if (agree && clocks.every((clock) => beyond(clock, CLOCK.warning))) {
    return [
      {
        severity: "warning",
        item: "this computer",
        found: `all ${clocks.length} machines agree with each other and are ${said(offsets[0])}: it is this computer's clock`,
        expected,
        next: "timedatectl; sudo timedatectl set-ntp true",
      },
    ];
  }
  const wrong = clocks.filter((clock) => beyond(clock, CLOCK.warning));
  return wrong.length === 0
    ? [
        {
          severity: "ok",
          found: `all of ${clocks.length} within ${Math.max(...offsets.map(Math.abs)).toFixed(1)} s`,
          expected,
        },
      ]
    : wrong.map((clock) => ({
        severity: beyond(clock, CLOCK.error) ? "error" : "warning",
        item: clock.name,
        found: said(clock.offset),
        expected,
        next: `on ${clock.name}: timedatectl; chronyc tracking; sudo chronyc makestep`,
      }));
}

export function judgeSynchronised(house: House, { name }: Target, facts: HostFacts): Verdict[] {
  const found = system(facts, "clock");
  const expected = "synchronised";
  return [
    found === expected
      ? { severity: "ok", found, expected }
      : {
          severity: "warning",
          found: found || "unknown",
          expected,
          next: `on ${name}: chronyc sources || timedatectl timesync-status; UDP 123 to ${house.homelab.cluster.timeServers.join(", ") || "the time server"} must be open`,
        },
  ];
}

export const machineChecks: readonly Check[] = [
  {
    scope: "host",
    name: "identity.machine",
    layer: "identity",
    why: "the right address may belong to the wrong machine, and steps format disks",
    // The machine-id is everybody's to read, the DMI's numbers are root's.
    needs: ({ identity, machine }) =>
      (identity?.kind ?? machine.identity?.kind) === "machine-id" ? ["ssh.login"] : ["sudo.works"],
    judge: (target, { facts }) => judgeIdentity(target, facts.hosts[target.name]),
  },
  {
    scope: "house",
    name: "identity.unique",
    layer: "identity",
    why: "K3s, DHCP leases and journals take two machines with the same name or machine-id for one",
    needs: ["link.route"],
    applies: ({ targets }) => targets.length > 1,
    judge: ({ house, facts }) => judgeUnique(house.targets, facts.hosts),
  },
  {
    scope: "host",
    name: "system.os",
    layer: "system",
    why: "the steps use the packages and files of these systems",
    needs: ["identity.machine"],
    judge: (target, { facts }) => judgeOs(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "system.kernel",
    layer: "system",
    why: "Cilium and Longhorn need features of the kernel, and fail late and obscurely without",
    needs: ["identity.machine"],
    judge: (target, { house, facts }) => judgeKernel(house, target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "system.architecture",
    layer: "system",
    why: "binaries and images are pinned for one architecture",
    needs: ["identity.machine"],
    judge: (target, { facts }) => judgeArchitecture(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "system.firewall",
    layer: "system",
    why: "a firewall on a node drops traffic between pods and nodes, and `pulumi up` stops before it",
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { facts }) => judgeFirewall(target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "system.space",
    layer: "system",
    why: "a full disk stops etcd, evicts pods and corrupts what is being written",
    needs: ["identity.machine"],
    judge: (target, { house, facts }) => judgeSpace(house, target, facts.hosts[target.name]),
  },
  {
    scope: "house",
    name: "clock.offset",
    layer: "clock",
    why: "certificates, tokens and etcd fail between machines whose clocks differ, with messages that do not say so",
    needs: ["link.route"],
    judge: ({ house, facts }) => judgeClocks(house.targets, facts.hosts),
  },
  {
    scope: "host",
    name: "clock.synchronised",
    layer: "clock",
    why: "a clock that is right today drifts away without a time server",
    needs: ["identity.machine"],
    judge: (target, { house, facts }) => judgeSynchronised(house, target, facts.hosts[target.name]),
  },
];
