import { createHash } from "node:crypto";
import type { Homelab, Hypervisor } from "../../config/homelab";
import type { HostProbe, HostScript } from "../host-script";
import type { Facts } from "../host-state";
import { EXPORTS_FILE, exportsFile, planExports } from "./nfs-exports";

/** A step together with what a refresh checks after it. */
export interface PlannedStep {
  script: HostScript;
  state?: { probe: HostProbe; expected: Facts };
}

/** Debian and Ubuntu names. libxml2-utils has the xmllint with which the probe reads a definition. */
const LIBVIRT_PACKAGES = [
  "qemu-system-x86",
  "qemu-utils",
  "libvirt-daemon-system",
  "libvirt-clients",
  "genisoimage",
  "libxml2-utils",
  "curl",
  "ca-certificates",
  "iputils-ping",
] as const;

/** Refuses a machine that cannot be the hypervisor, before anything is written to it. */
export function preflightStep({ name, libvirt, exports }: Hypervisor): HostScript {
  return {
    name: `${name}-preflight`,
    source: "hypervisor/preflight.sh",
    variables: {
      DOMAIN_TYPE: libvirt.domainType,
      BRIDGE: libvirt.bridge,
      EXPORT_PATHS: Object.values(exports).map(({ path }) => path),
      EXPORT_MOUNT_POINTS: Object.values(exports).map(({ path, mountPoint = path }) => mountPoint),
    },
    timeoutSeconds: 60,
  };
}

/** libvirt, the tools of the VM step, and the NFS server where something is exported. */
export function packagesStep({ name, exports }: Hypervisor): PlannedStep {
  const nfs = Object.keys(exports).length > 0;
  return {
    script: {
      name: `${name}-packages`,
      source: "hypervisor/packages.sh",
      variables: { PACKAGES: nfs ? [...LIBVIRT_PACKAGES, "nfs-kernel-server"] : LIBVIRT_PACKAGES },
      timeoutSeconds: 1800,
    },
    state: { probe: { source: "hypervisor/packages.probe.sh" }, expected: { "libvirt.system": "reachable" } },
  };
}

/** The exports of the hypervisor; undefined where it has none. */
export function exportsStep(homelab: Homelab, hypervisor: Hypervisor): PlannedStep | undefined {
  const exports = planExports(homelab, hypervisor);
  if (exports.length === 0) {
    return undefined;
  }
  const content = exportsFile(exports);
  const variables = {
    EXPORTS_FILE,
    EXPORT_PATHS: exports.map(({ path }) => path),
    EXPORT_MOUNT_POINTS: exports.map(({ mountPoint }) => mountPoint),
    CLIENTS: homelab.nodes.map(({ address }) => address),
  };
  return {
    script: {
      name: `${hypervisor.name}-exports`,
      source: "hypervisor/exports.sh",
      variables,
      files: [{ path: EXPORTS_FILE, mode: "0644", content }],
      timeoutSeconds: 300,
    },
    state: {
      probe: {
        source: "hypervisor/exports.probe.sh",
        variables: { ...variables, EXPORT_NAMES: exports.map(({ name }) => name) },
      },
      expected: {
        "nfs.exports": createHash("sha256").update(content).digest("hex"),
        "nfs.server": "active/enabled",
        ...Object.fromEntries(
          exports.flatMap(({ name }) => [
            [`nfs.${name}.mounted`, "yes"],
            [`nfs.${name}.exported`, "yes"],
          ]),
        ),
      },
    },
  };
}
