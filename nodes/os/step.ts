import type { Homelab, NodeMachine } from "../../config/homelab";
import type { HostProbe, HostScript } from "../host-script";
import type { Facts } from "../host-state";
import { fileFacts } from "./file-facts";
import { PATHS, osFiles } from "./files";
import { KERNEL_MODULES, PACKAGES, SYSCTLS, UNITS, osVariables } from "./settings";

/** The step that makes an Ubuntu or Debian machine fit to be a node. */
export function osStep(homelab: Homelab, machine: NodeMachine): HostScript {
  return {
    name: "os",
    source: "os/bootstrap.sh",
    libraries: ["os/edits.sh"],
    variables: {
      NODE_NAME: machine.name,
      TIMEZONE: homelab.cluster.timezone,
      ...osVariables(),
      SYSCTL_FILE: PATHS.sysctls,
      NETWORKD_FILES: [PATHS.networkd, PATHS.unmanaged],
      MULTIPATH_FILE: PATHS.multipath,
      CHRONY_FILES: [PATHS.chrony, PATHS.chronyOptions, PATHS.chronyUnit],
      JOURNALD_FILE: PATHS.journald,
    },
    files: osFiles(homelab, machine),
    timeoutSeconds: 1800,
  };
}

/** What must hold on a node after its bootstrap, and what a refresh compares. */
export function osState(homelab: Homelab, machine: NodeMachine): { probe: HostProbe; expected: Facts } {
  const files = osFiles(homelab, machine);
  return {
    probe: {
      source: "os/os.probe.sh",
      libraries: ["os/edits.sh"],
      variables: { ...osVariables(), FILES: files.map(({ path }) => path) },
    },
    expected: {
      hostname: machine.name,
      timezone: homelab.cluster.timezone,
      swap: "off",
      firewall: "none",
      time: "synchronised",
      ...Object.fromEntries(PACKAGES.map((name) => [`package.${name}`, "installed"])),
      ...Object.fromEntries(UNITS.map((name) => [`unit.${name}`, "active/enabled"])),
      ...Object.fromEntries(KERNEL_MODULES.map((name) => [`module.${name}`, "loaded"])),
      ...Object.fromEntries(Object.entries(SYSCTLS).map(([name, value]) => [`sysctl.${name}`, value])),
      ...fileFacts(files),
    },
  };
}
