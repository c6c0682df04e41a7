import type { Disk, Homelab, Worker } from "../config/homelab";
import type { LanHost } from "../sandbox/lan";
import type { DiskSpec } from "../sandbox/qemu";

/** MAC address of a worker, by its place in the configuration. */
export function workerMac({ workers }: Homelab, name: string): string {
  const index = workers.findIndex((worker) => worker.name === name) + 1;
  return `52:54:00:99:01:${index.toString(16).padStart(2, "0")}`;
}

/** Workers as the LAN's router knows them. */
export function lanHosts(homelab: Homelab): LanHost[] {
  return homelab.workers.map(({ name, address }) => ({ name, address, mac: workerMac(homelab, name) }));
}

/**
 * Blank disks for those of the configuration, as small as they may be.
 *
 * @throws Error if an id is none that a sandbox machine can show.
 */
export function disksOf({ name, disks }: Worker): Record<string, DiskSpec> {
  return Object.fromEntries(
    Object.entries(disks).flatMap(([disk, spec]) => {
      const made = diskSpec(spec);
      if (made === "unknown") {
        throw new Error(`machines.${name}.disks.${disk}.id is no disk that a sandbox machine has`);
      }
      return made ? [[disk, made]] : [];
    }),
  );
}

function diskSpec(disk: Disk): DiskSpec | undefined | "unknown" {
  if (!("id" in disk)) {
    return undefined;
  }
  const [, virtio, scsi] = /^\/dev\/disk\/by-id\/(?:virtio-(.+)|scsi-0QEMU_QEMU_HARDDISK_(.+))$/.exec(disk.id) ?? [];
  const serial = virtio ?? scsi;
  if (serial === undefined) {
    return "unknown";
  }
  // A little more than is promised, in whole MiB.
  const bytes = Math.ceil((disk.sizeGb * 1e9) / 2 ** 20 + 1) * 2 ** 20;
  return { serial, bytes, bus: virtio === undefined ? "scsi" : "virtio" };
}
