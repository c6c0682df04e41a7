import type { Homelab, Machine } from "../../config/homelab";
import type { HostProbe, HostScript, ShellValue } from "../host-script";
import type { Facts } from "../host-state";
import { contentHash } from "../os/file-facts";
import { MOUNT_OPTIONS, mountUnit, mountUnitName } from "./mount-unit";
import { diskPlan, isDevice, type PlannedDisk } from "./plan";

/**
 * Kinds of block device (lsblk's TYPE) that may be formatted. Whole physical disks and nothing else: no partition, no
 * multipath map, no RAID.
 */
export const DEVICE_TYPES = ["disk"];

/** Functions of the step: questions, judgement, and what writes. */
export const LIBRARIES = ["disks/mounts.sh", "disks/inspect.sh", "disks/format.sh"] as const;

/** The step that formats blank disks, mounts them and sees to it that they are mounted at boot. */
export function disksStep(homelab: Homelab, machine: Machine): HostScript {
  const plan = diskPlan(homelab, machine);
  return {
    name: "disks",
    source: "disks/prepare.sh",
    libraries: LIBRARIES,
    variables: { DEVICE_TYPES, MOUNT_OPTIONS, ...diskVariables(plan) },
    files: plan.filter(isDevice).map(mountUnit),
    timeoutSeconds: 1800,
  };
}

/** What must hold on the machine afterwards: every file system mounted read-write by us, now and at the next boot. */
export function disksState(homelab: Homelab, machine: Machine): { probe: HostProbe; expected: Facts } {
  const plan = diskPlan(homelab, machine);
  return {
    probe: { source: "disks/disks.probe.sh", libraries: ["disks/mounts.sh"], variables: probeVariables(plan) },
    expected: Object.fromEntries(
      plan.flatMap((disk): [string, string][] =>
        isDevice(disk)
          ? [
              [`disk.${disk.name}`, "mounted"],
              [`disk.${disk.name}.at-boot`, "enabled"],
              [`disk.${disk.name}.unit`, contentHash(mountUnit(disk))],
            ]
          : [[`disk.${disk.name}`, "present"]],
      ),
    ),
  };
}

/** Parallel lists: entry i of each belongs to the same disk. */
export function diskVariables(plan: readonly PlannedDisk[]): Record<string, ShellValue> {
  const devices = plan.filter(isDevice);
  const directories = plan.filter((disk) => !isDevice(disk));
  return {
    DISK_NAMES: devices.map(({ name }) => name),
    DISK_PATHS: devices.map(({ device }) => device),
    DISK_UUIDS: devices.map(({ uuid }) => uuid),
    DISK_LABELS: devices.map(({ label }) => label),
    DISK_MINIMUM_BYTES: devices.map(({ minimumBytes }) => String(minimumBytes)),
    DISK_MOUNTS: devices.map(({ mountPath }) => mountPath),
    DISK_UNITS: devices.map(mountUnitName),
    DIRECTORY_NAMES: directories.map(({ name }) => name),
    DIRECTORY_PATHS: directories.map(({ mountPath }) => mountPath),
    DIRECTORY_MINIMUM_BYTES: directories.map(({ minimumBytes }) => String(minimumBytes)),
  };
}

/** The part of them that a probe needs. */
export function probeVariables(plan: readonly PlannedDisk[]): Record<string, ShellValue> {
  const { DISK_NAMES, DISK_UUIDS, DISK_MOUNTS, DISK_UNITS, DIRECTORY_NAMES, DIRECTORY_PATHS } = diskVariables(plan);
  return { DISK_NAMES, DISK_UUIDS, DISK_MOUNTS, DISK_UNITS, DIRECTORY_NAMES, DIRECTORY_PATHS };
}
