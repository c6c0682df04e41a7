import type { NodeMachine } from "../../config/homelab";
import { kubeletKernelSettings } from "../k3s/kernel";

/**
 * Packages of every node. Longhorn 1.6's own check (scripts/environment_check.sh) asks for open-iscsi, nfs-common,
 * cryptsetup and dmsetup; the rest is what the steps of this program use.
 */
export const PACKAGES = [
  "ca-certificates",
  "chrony",
  "cryptsetup-bin",
  "curl",
  "dmsetup",
  "e2fsprogs",
  "kmod",
  "nfs-common",
  "open-iscsi",
  "tzdata",
  "unattended-upgrades",
] as const;

/** Units that run on every node. iscsid: Longhorn attaches its volumes by iSCSI. The timers run unattended upgrades. */
export const UNITS = ["chrony.service", "iscsid.service", "apt-daily.timer", "apt-daily-upgrade.timer"] as const;

/**
 * Kernel modules, loaded now and at boot. overlay and br_netfilter before the sysctls that need them; iscsi_tcp,
 * dm_crypt and nfs for Longhorn's volumes, encrypted volumes and shared volumes, whose pods cannot load modules.
 */
export const KERNEL_MODULES = ["overlay", "br_netfilter", "nf_conntrack", "iscsi_tcp", "dm_crypt", "nfs"] as const;

/** Sysctls with one value each, as read back from /proc/sys. */
export const SYSCTLS: Readonly<Record<string, string>> = {
  ...kubeletKernelSettings,
  // Pods are reached through the node.
  "net.ipv4.ip_forward": "1",
  "net.bridge.bridge-nf-call-iptables": "1",
  "net.bridge.bridge-nf-call-ip6tables": "1",
  // K3s leaves these at the kernel's 128 instances, which log shippers and file watchers of some fifty pods use up.
  "fs.inotify.max_user_instances": "8192",
  "fs.inotify.max_user_watches": "1048576",
  // systemd from 245 on sets 2; the kernel takes the larger of `all` and the interface, so that any value but 0 drops
  // traffic of pods (cilium/cilium#10645). Cilium's own init container writes the same into a later file.
  "net.ipv4.conf.all.rp_filter": "0",
};

/** Sysctls of interfaces that come and go; applied by udev to each new one, so there is nothing to read back. */
export const INTERFACE_SYSCTLS: Readonly<Record<string, string>> = {
  "net.ipv4.conf.lxc*.rp_filter": "0",
  "net.ipv4.conf.cilium_*.rp_filter": "0",
};

/** Largest size of the journal; the control plane's root disk has 24 GB, of which the kubelet wants 5% free. */
export const JOURNAL_SIZE = "1G";

/**
 * Packages that unattended upgrades leave alone: a new driver library beside the loaded old kernel module breaks every
 * GPU pod until the next reboot. Regular expressions of unattended-upgrades, matched from the start of the name.
 */
export function heldPackages(machine: NodeMachine): string[] {
  return machine.role === "worker" && machine.gpu ? ["nvidia-", "libnvidia-", "linux-modules-nvidia-"] : [];
}

/** What both the bootstrap and its probe are told. */
export function osVariables() {
  return {
    PACKAGES,
    UNITS,
    KERNEL_MODULES,
    SYSCTLS: Object.entries(SYSCTLS).map(([name, value]) => `${name}=${value}`),
  };
}
