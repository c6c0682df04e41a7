import { createHash } from "node:crypto";
import type { Homelab, Hypervisor } from "../../config/homelab";

/** One directory that the cluster's nodes may mount. */
export interface PlannedExport {
  /** Key in the configuration. */
  name: string;
  path: string;
  /** Where the file system must be mounted that the path lies on. */
  mountPoint: string;
  readOnly: boolean;
  /** Part of every file handle that a node holds. */
  fsid: string;
  /** Addresses that are let in. */
  clients: readonly string[];
}

/** The file of the NFS server that belongs to the program; other files and /etc/exports are the owner's. */
export const EXPORTS_FILE = "/etc/exports.d/homelab.exports";

/**
 * Plans the exports of a hypervisor, by name.
 *
 * @throws Error for a path that is not on its mount point: it would be exported while the array is absent.
 */
export function planExports(homelab: Homelab, hypervisor: Hypervisor): PlannedExport[] {
  const clients = homelab.nodes.map(({ address }) => address);
  return Object.entries(hypervisor.exports)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { path, mountPoint = path, readOnly }]) => {
      if (path !== mountPoint && !path.startsWith(`${mountPoint}/`)) {
        throw new Error(
          `machines.${hypervisor.name}.exports.${name}: ${path} does not lie on its mount point ${mountPoint}; ` +
            `set mountPoint to the one that findmnt --target ${path} prints`,
        );
      }
      return { name, path, mountPoint, readOnly, fsid: fsid(hypervisor, path), clients };
    });
}

/**
 * /etc/exports.d/homelab.exports (exports(5), nfs-utils 2.6).
 *
 * - `mountpoint=`: an array that is not mounted exports nothing, instead of an empty directory that nodes then fill.
 *   nfs-utils' own generator also starts the server after the mounts of every exported path.
 * - `root_squash`: root on a node becomes nobody on the array. Nothing needs more: the applications read and write as
 *   their own user, whose number passes through unchanged, and a hard link from downloads to the library is made by the
 *   user who owns the file. What it costs: the directories must already belong to that user. What it spares: a
 *   privileged pod can neither take over the ownership of the films nor leave setuid files on the storage server.
 * - `no_subtree_check`: with the check a rename across directories makes open files stale.
 * - `fsid=`: stable whatever the file system is (ZFS has none of its own) and in whatever order disks are found, so
 *   a reboot of the server leaves no stale handles on the nodes.
 * - `sync`: a film that a node believes to be written is written.
 */
export function exportsFile(exports: readonly PlannedExport[]): string {
  const lines = exports.map(({ path, mountPoint, readOnly, fsid: id, clients }) => {
    const access = readOnly ? "ro" : "rw";
    const options = `${access},sync,no_subtree_check,root_squash,mountpoint=${mountPoint},fsid=${id}`;
    return `${path} ${clients.map((client) => `${client}(${options})`).join(" ")}`;
  });
  return ["# Managed by the homelab program; edits are overwritten.", ...lines, ""].join("\n");
}

/** A UUID that follows from server and path alone, so neither a rebuild nor a renamed export makes handles stale. */
function fsid({ name }: Hypervisor, path: string): string {
  const hex = createHash("sha256").update(`homelab nfs export\n${name}\n${path}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
