import { createHash } from "node:crypto";
import { OWN_FOLDER } from "../../config/folders";
import type { Disk, Homelab, Machine } from "../../config/homelab";

/** Folder of the mount points of every disk that the program manages. */
export const DISK_FOLDER = `${OWN_FOLDER}/disks`;

interface PlannedBase {
  /** Name of the disk in the configuration; unique on its machine. */
  readonly name: string;
  /** Storage tier that it serves. */
  readonly tier: string;
  /** Where its file system, or the directory, is found. */
  readonly mountPath: string;
  /** Least size of a device in bytes; of a directory, the free space that its first run asks for. */
  readonly minimumBytes: number;
  /** Bytes that Longhorn leaves free. */
  readonly reservedBytes: number;
}

/** A whole disk with an ext4 file system of ours. */
export interface PlannedDevice extends PlannedBase {
  readonly kind: "device";
  /** Stable path below /dev/disk/by-id. */
  readonly device: string;
  /** UUID of the file system: the proof that a disk is ours. */
  readonly uuid: string;
  /** Label of the file system, at most 16 characters; for people, never for decisions. */
  readonly label: string;
}

/** A place on the root file system. */
export interface PlannedDirectory extends PlannedBase {
  readonly kind: "directory";
}

export type PlannedDisk = PlannedDevice | PlannedDirectory;

/** What is done with each disk of a machine, in the order of the configuration; nothing for a machine without disks. */
export function diskPlan(homelab: Homelab, machine: Machine): PlannedDisk[] {
  const disks: Readonly<Record<string, Disk>> = machine.role === "hypervisor" ? {} : machine.disks;
  return Object.entries(disks).map(([name, disk]) => {
    const minimumBytes = Math.round(disk.sizeGb * 1e9);
    const common = {
      name,
      tier: disk.tier,
      mountPath: `${DISK_FOLDER}/${name}`,
      minimumBytes,
      reservedBytes: Math.round((minimumBytes * disk.reservedPercent) / 100),
    };
    if ("rootFilesystem" in disk) {
      return { kind: "directory", ...common };
    }
    return {
      kind: "device",
      ...common,
      device: disk.id,
      uuid: filesystemUuid(homelab.cluster.name, machine.name, name),
      label: filesystemLabel(name),
    };
  });
}

export function isDevice(disk: PlannedDisk): disk is PlannedDevice {
  return disk.kind === "device";
}

/**
 * UUID of a disk's file system, made from names that stay for ever; the rebuild generation is not among them, because a
 * rebuild keeps the data. A disk that was renamed or carried to another machine is therefore no longer ours, and refused.
 * Laid out as a UUID of version 8 (RFC 9562, 5.8: bits of one's own making) over SHA-256.
 */
export function filesystemUuid(cluster: string, machine: string, disk: string): string {
  const bytes = createHash("sha256").update(`homelab disk/${cluster}/${machine}/${disk}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** ext4 keeps 16 bytes of label. */
export function filesystemLabel(disk: string): string {
  return `hl-${disk}`.slice(0, 16);
}
