import { diskPlan, isDevice } from "../../nodes/disks/plan";
import { isPlaceholder } from "../../config/placeholders";
import type { Hypervisor } from "../../config/homelab";
import { exportsStep } from "../../nodes/hypervisor/hypervisor-steps";
import { vmStep } from "../../nodes/hypervisor/vm-steps";
import { builtBefore } from "../built";
import type { Check } from "../check";
import type { Facts, HostFacts } from "../facts";
import type { Verdict } from "../finding";
import type { House, Target } from "../house";
import { exporters, vmOn } from "../probe";
import { late } from "./machine";

/** Each disk by the judgement of the very functions that guard the formatting. */
export function judgeDisks({ homelab }: House, { name, machine }: Target, facts: HostFacts): Verdict[] {
  const section = facts.sections.disks;
  return diskPlan(homelab, machine).map((disk): Verdict => {
    const item = disk.name;
    const expected = isDevice(disk) ? "blank, or ours" : "a directory of ours, or room for one";
    if (isDevice(disk) && isPlaceholder(disk.device)) {
      return {
        severity: "unknown",
        goOn: true,
        item,
        found: `cannot be checked: machines.${name}.disks.${item}.id is not filled in`,
        expected,
        next: `on ${name}: ls -l /dev/disk/by-id/; lsblk --output NAME,SIZE,MODEL,SERIAL`,
      };
    }
    if (section === undefined) {
      return { ...late(name, expected), item };
    }
    if (section.tools !== "present") {
      return {
        severity: "unknown",
        item,
        found: `tools ${section.tools}`,
        expected,
        next: "`pulumi up --refresh` installs them",
      };
    }
    const verdict = section[item] ?? "refused it could not be judged";
    if (verdict === "ours") {
      return { severity: "ok", item, found: "ours", expected };
    }
    if (verdict === "blank") {
      return {
        severity: "ok",
        item,
        found: isDevice(disk) ? "blank; `pulumi up` formats it" : "room for it",
        expected,
      };
    }
    const [, place, what, look] = /^refused disk \S+ \((.*?)\): (.*)\. Look: (.*)$/s.exec(verdict) ?? [
      undefined,
      item,
      verdict,
      "lsblk --fs",
    ];
    const holds = /not blank|holds|mounted|in use/.test(what)
      ? ". Nothing in this program erases a disk: is it the right one? Save what is on it, or correct the id"
      : "";
    return {
      severity: "error",
      item,
      found: `${place}: ${what}`,
      expected,
      next: `on ${name}: ${look}${holds}`,
    };
  });
}

export function judgeLibvirt({ name }: Target, facts: Facts): Verdict[] {
  const section = facts.hosts[name].sections.hypervisor;
  const evidence = builtBefore(facts);
  const expected = "qemu:///system answers";
  if (section === undefined) {
    return [late(name, expected)];
  }
  switch (section["libvirt.system"]) {
    case "reachable":
      return [{ severity: "ok", found: "answers", expected }];
    case "not installed":
      return evidence !== undefined
        ? [
            {
              severity: "error",
              found: `not installed, although ${evidence}`,
              expected,
              next: "`pulumi up --refresh` installs it again; is this the machine that had it?",
            },
          ]
        : [
            {
              severity: "ok",
              found: "not installed; `pulumi up` installs it",
              expected,
              absent: "libvirt is not installed yet",
            },
          ];
    default:
      return [
        {
          severity: "error",
          found: "virsh gets no answer",
          expected,
          next: `on ${name}: sudo systemctl status libvirtd virtqemud; sudo journalctl -u libvirtd -n 30`,
        },
      ];
  }
}

export function judgeVirtualisation(machine: Hypervisor, facts: HostFacts): Verdict[] {
  const { name, libvirt } = machine;
  const section = facts.sections.hypervisor;
  if (section === undefined) {
    return [late(name, "KVM and a bridge")];
  }
  const bridges = section.bridges.split(" ").filter((bridge) => bridge !== "");
  const bridge: Verdict = bridges.includes(libvirt.bridge)
    ? { severity: "ok", item: "bridge", found: `${libvirt.bridge} is up`, expected: libvirt.bridge }
    : {
        severity: "error",
        item: "bridge",
        found: `bridges that are up: ${bridges.join(", ") || "none"}`,
        expected: libvirt.bridge,
        next: `on ${name}: ip -brief link; make ${libvirt.bridge} with the LAN interface as its port, or set machines.${name}.libvirt.bridge`,
      };
  if (libvirt.domainType !== "kvm") {
    return [bridge];
  }
  const kvm: Verdict =
    section.kvm === "present"
      ? { severity: "ok", item: "kvm", found: "/dev/kvm is there", expected: "KVM" }
      : {
          severity: "error",
          item: "kvm",
          found: `/dev/kvm is absent, and the CPU ${section.cpu}`,
          expected: "KVM",
          next:
            section.cpu === "can virtualise"
              ? `on ${name}: sudo modprobe kvm_intel || sudo modprobe kvm_amd; sudo dmesg | grep -i kvm`
              : "switch virtualisation on in the firmware, then power-cycle the machine",
        };
  return [bridge, kvm];
}

export function judgeVm({ homelab }: House, machine: Hypervisor, facts: Facts): Verdict[] {
  const { name } = machine;
  const vm = vmOn(homelab, machine);
  const found = facts.hosts[name].sections.vm;
  if (!vm) {
    return [];
  }
  const item = vm.domain;
  const state = found?.["vm.state"];
  if (found === undefined || state === undefined || found.failed !== undefined) {
    return [{ ...late(name, `${item} runs`), item, goOn: true }];
  }
  if (state === "absent" || state === "no libvirt") {
    const evidence = builtBefore(facts);
    return [
      evidence === undefined
        ? {
            severity: "ok",
            item,
            found: "not made yet; `pulumi up` makes it",
            expected: "running, or not made yet",
            absent: `${vm.machine.name} is not made yet`,
          }
        : {
            severity: "error",
            item,
            found: `there is no such VM, although ${evidence}`,
            expected: "running",
            next: `on ${name}: virsh -c qemu:///system list --all; ls -l ${vm.paths.folder}. Then \`pulumi up\`, or a rebuild: README, On a bad day`,
          },
    ];
  }
  if (state !== "running") {
    return [
      {
        severity: "error",
        item,
        found: state,
        expected: "running",
        next: `on ${name}: virsh -c qemu:///system start ${item}; tail ${vm.paths.consoleLog}`,
      },
    ];
  }
  const expected = vmStep(homelab, vm).state?.expected ?? {};
  const drift = Object.keys(expected).filter((fact) => fact in found && found[fact] !== expected[fact]);
  return [
    drift.length === 0
      ? { severity: "ok", item, found: "running as defined", expected: "running as defined" }
      : {
          severity: "warning",
          item,
          found: `running, but ${drift.map((fact) => `${fact} is '${found[fact]}'`).join(", ")}`,
          expected: drift.map((fact) => `${fact} '${expected[fact]}'`).join(", "),
          next: "pulumi refresh --preview-only; then pulumi up --refresh",
        },
  ];
}

/** The stores behind the exports, and, once there is a cluster, the exports themselves. */
export function judgeExports({ homelab }: House, machine: Hypervisor, facts: Facts): Verdict[] {
  const { name, exports } = machine;
  const sections = facts.hosts[name].sections;
  if (sections.hypervisor === undefined) {
    return [late(name, "its stores")];
  }
  const expected = exportsStep(homelab, machine)?.state?.expected ?? {};
  const served = sections.exports ?? {};
  const installed = served["nfs.exports"] !== undefined && served["nfs.exports"] !== "absent";
  const server = `${name}: systemctl status nfs-server; exportfs -v; cat /etc/exports.d/homelab.exports`;
  const stores = Object.entries(exports).map(([item, { path, mountPoint = path }]): Verdict => {
    const store = sections.hypervisor[`store.${item}`];
    if (store !== "mounted") {
      return {
        severity: "error",
        item,
        found: store ?? "unknown",
        expected: `${path} on a mounted array`,
        next: `on ${name}: findmnt ${mountPoint}; systemctl --failed; zpool status || cat /proc/mdstat. Mount the array before anything else`,
      };
    }
    if (!installed) {
      return { severity: "ok", item, found: "mounted; `pulumi up` exports it", expected: "mounted" };
    }
    return served[`nfs.${item}.exported`] === "yes"
      ? { severity: "ok", item, found: "mounted, and exported to every node", expected: "mounted and exported" }
      : {
          severity: "error",
          item,
          found: "mounted, but not exported to every node",
          expected: "mounted and exported",
          next: `on ${server}; then pulumi up --refresh`,
        };
  });
  if (!installed || served["nfs.server"] === expected["nfs.server"]) {
    return stores;
  }
  return [
    ...stores,
    {
      severity: "error",
      item: "server",
      found: `nfs-server is ${served["nfs.server"]}`,
      expected: expected["nfs.server"],
      next: `on ${server}; sudo systemctl enable --now nfs-server`,
    },
  ];
}

/** What a node reaches of the NFS servers; nothing to say before they serve. */
export function judgeNfsPort({ homelab }: House, { name }: Target, facts: Facts): Verdict[] {
  const section = facts.hosts[name].sections.network;
  return exporters(homelab).map((server): Verdict => {
    const state = section?.[`nfs.${server.name}`];
    const expected = `TCP 2049 of ${server.name} is open`;
    if (state === undefined) {
      return { ...late(name, expected), item: server.name };
    }
    if (state === "open") {
      return { severity: "ok", item: server.name, found: "open", expected };
    }
    const exported = facts.hosts[server.name]?.sections.exports?.["nfs.exports"];
    return exported === undefined || exported === "absent"
      ? {
          severity: "ok",
          item: server.name,
          found: `${state}; nothing is exported yet`,
          expected: `${expected} after \`pulumi up\``,
        }
      : {
          severity: "error",
          item: server.name,
          found: state,
          expected,
          next: `on ${server.name}: ss -tln 'sport = 2049'; ufw status; on ${name}: ping -c 3 ${server.address}`,
        };
  });
}

const asHypervisor = ({ machine }: Target) => machine as Hypervisor;
const isHypervisor = ({ machine }: Target) => machine.role === "hypervisor";
const isNode = ({ machine }: Target) => machine.role !== "hypervisor";

export const storageChecks: readonly Check[] = [
  {
    scope: "host",
    name: "disks.state",
    layer: "disks",
    why: "a disk is formatted if and only if it is blank, and volumes must never land on a wrong one",
    applies: ({ machine }, { homelab }) => diskPlan(homelab, machine).length > 0,
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { house, facts }) => judgeDisks(house, target, facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "hypervisor.virtualisation",
    layer: "hypervisor",
    why: "the VM needs KVM, and a bridge to the LAN of the machines",
    applies: isHypervisor,
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { facts }) => judgeVirtualisation(asHypervisor(target), facts.hosts[target.name]),
  },
  {
    scope: "host",
    name: "hypervisor.libvirt",
    layer: "hypervisor",
    why: "libvirt runs the control plane's VM",
    applies: isHypervisor,
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { facts }) => judgeLibvirt(target, facts),
  },
  {
    scope: "host",
    name: "hypervisor.vm",
    layer: "hypervisor",
    why: "the control plane is this VM",
    applies: (target, { homelab }) => isHypervisor(target) && vmOn(homelab, asHypervisor(target)) !== undefined,
    needs: ["hypervisor.libvirt"],
    judge: (target, { house, facts }) => judgeVm(house, asHypervisor(target), facts),
  },
  {
    scope: "host",
    name: "exports.stores",
    layer: "exports",
    why: "an array that is not mounted would be exported as an empty directory, and filled",
    applies: (target) => isHypervisor(target) && Object.keys(asHypervisor(target).exports).length > 0,
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { house, facts }) => judgeExports(house, asHypervisor(target), facts),
  },
  {
    scope: "host",
    name: "exports.reach",
    layer: "exports",
    why: "pods wait for ever for a share that their node cannot reach",
    applies: (target, { homelab }) => isNode(target) && exporters(homelab).length > 0,
    needs: ["identity.machine", "sudo.works"],
    judge: (target, { house, facts }) => judgeNfsPort(house, target, facts),
  },
];
