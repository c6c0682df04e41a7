import type { Homelab, NodeMachine } from "../../config/homelab";
import type { HostFile } from "../host-script";
import { INTERFACE_SYSCTLS, JOURNAL_SIZE, KERNEL_MODULES, SYSCTLS, heldPackages } from "./settings";

/**
 * Paths that the bootstrap script watches, to restart what reads them. Every file is ours alone: drop-ins and files
 * under names of our own, never a package's conffile, because a changed conffile stops its package's upgrades.
 */
export const PATHS = {
  modules: "/etc/modules-load.d/homelab.conf",
  // After 99-sysctl.conf and before Cilium's own 99-zzz-override_cilium.conf.
  sysctls: "/etc/sysctl.d/99-zz-homelab.conf",
  networkd: "/etc/systemd/networkd.conf.d/50-homelab.conf",
  unmanaged: "/etc/systemd/network/05-homelab-pods.network",
  multipath: "/etc/multipath/conf.d/homelab.conf",
  chrony: "/etc/chrony/homelab.conf",
  chronyOptions: "/etc/chrony/homelab.env",
  chronyUnit: "/etc/systemd/system/chrony.service.d/homelab.conf",
  journald: "/etc/systemd/journald.conf.d/homelab.conf",
  upgrades: "/etc/apt/apt.conf.d/52homelab-upgrades",
  needrestart: "/etc/needrestart/conf.d/homelab.conf",
  cloudInit: "/etc/cloud/cloud.cfg.d/99-homelab.cfg",
} as const;

function file(path: string, ...lines: string[]): HostFile {
  return { path, mode: "0644", content: ["# Written by homelab; changes are undone.", ...lines, ""].join("\n") };
}

/** Every file that the bootstrap installs on a node. */
export function osFiles(homelab: Homelab, machine: NodeMachine): HostFile[] {
  return [
    file(PATHS.modules, ...KERNEL_MODULES),
    sysctlFile(),
    ...networkFiles(),
    multipathFile(),
    ...timeFiles(homelab.cluster.timeServers),
    file(PATHS.journald, "[Journal]", "Storage=persistent", `SystemMaxUse=${JOURNAL_SIZE}`),
    upgradesFile(machine),
    needrestartFile(),
    file(PATHS.cloudInit, "preserve_hostname: true", "manage_etc_hosts: false"),
  ];
}

function sysctlFile(): HostFile {
  return file(
    PATHS.sysctls,
    ...Object.entries(SYSCTLS).map(([name, value]) => `${name} = ${value}`),
    "# A leading dash: no such interface yet is no error.",
    ...Object.entries(INTERFACE_SYSCTLS).map(([name, value]) => `-${name} = ${value}`),
  );
}

/**
 * systemd-networkd deletes routes and rules that it did not make, those of Cilium among them, whenever it restarts, and
 * takes over interfaces that a broad match of somebody's .network file covers (incident "k3s1 Networking Failure";
 * cilium/cilium#18706).
 */
function networkFiles(): HostFile[] {
  return [
    file(PATHS.networkd, "[Network]", "ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no"),
    file(PATHS.unmanaged, "[Match]", "Name=lxc* cilium_*", "", "[Link]", "Unmanaged=yes"),
  ];
}

/**
 * multipathd must not claim Longhorn's volumes. Its knowledge base blacklists devnode ^sd[a-z0-9]+, which would also cut
 * off a node's real multipathed disks; volumes of Longhorn are told apart by what their iSCSI target says of itself.
 */
function multipathFile(): HostFile {
  return file(
    PATHS.multipath,
    "blacklist {",
    "    device {",
    '        vendor "IET"',
    '        product "VIRTUAL-DISK"',
    "    }",
    "}",
  );
}

/**
 * chrony with the configured servers and no others. The packaged chrony.conf stays as it is; the options file that our
 * drop-in adds comes last and names ours. Without servers the machine's own clock is what the cluster goes by.
 */
function timeFiles(servers: readonly string[]): HostFile[] {
  return [
    file(
      PATHS.chrony,
      ...(servers.length === 0 ? ["local stratum 10"] : servers.map((server) => `pool ${server} iburst maxsources 3`)),
      "driftfile /var/lib/chrony/chrony.drift",
      "ntsdumpdir /var/lib/chrony",
      "maxupdateskew 100.0",
      "rtcsync",
      "# Certificates and etcd need a right clock from the start: jump at first, slew afterwards.",
      "makestep 1 3",
    ),
    file(PATHS.chronyOptions, `DAEMON_OPTS="-F 1 -f ${PATHS.chrony}"`),
    file(PATHS.chronyUnit, "[Service]", `EnvironmentFile=${PATHS.chronyOptions}`),
  ];
}

/** Security updates by themselves, with the reboot in this machine's own hour, so that two never reboot together. */
function upgradesFile(machine: NodeMachine): HostFile {
  const path = PATHS.upgrades;
  return {
    path,
    mode: "0644",
    content: [
      "// Written by homelab; changes are undone.",
      'APT::Periodic::Update-Package-Lists "1";',
      'APT::Periodic::Unattended-Upgrade "1";',
      'Unattended-Upgrade::Automatic-Reboot "true";',
      'Unattended-Upgrade::Automatic-Reboot-WithUsers "true";',
      `Unattended-Upgrade::Automatic-Reboot-Time "${machine.rebootWindow}";`,
      "Unattended-Upgrade::Package-Blacklist {",
      ...heldPackages(machine).map((pattern) => `  "${pattern}";`),
      "};",
      "",
    ].join("\n"),
  };
}

/** Ubuntu's needrestart restarts services after an upgrade at any hour; what carries pods and volumes, and a step, waits. */
function needrestartFile(): HostFile {
  return file(
    PATHS.needrestart,
    "$nrconf{override_rc}{qr(^(homelab-.*|k3s|k3s-agent|iscsid|multipathd|systemd-networkd)\\.service$)} = 0;",
  );
}
