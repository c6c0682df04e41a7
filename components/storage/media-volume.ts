import type { core } from "@pulumi/kubernetes/types/input";
import type { Homelab } from "../../config/homelab";

/** CSI driver of csi-driver-nfs (value driver.name). */
export const NFS_DRIVER = "nfs.csi.k8s.io";

/** The one media volume, and the class name that keeps every other claim off it. No StorageClass has that name. */
export const MEDIA_VOLUME = "media";
export const MEDIA_CLASS = "media-static";

/** Reads only where the export does; otherwise pods on any node read and write. */
function accessMode(readOnly: boolean): "ReadOnlyMany" | "ReadWriteMany" {
  return readOnly ? "ReadOnlyMany" : "ReadWriteMany";
}

/** Address of the server and the export that holds the media; undefined where there is none. */
function mediaExport(homelab: Homelab) {
  const { media } = homelab.storage;
  if (!media) {
    return undefined;
  }
  const server = homelab.hypervisors.find((machine) => machine.name === media.server);
  const share = server?.exports[media.export];
  if (!server || !share) {
    throw new Error(`storage.media names ${media.server}/${media.export}: a cross-check should have refused this`);
  }
  return { address: server.address, ...share, size: media.size };
}

/**
 * The media share as a static volume; undefined where there is none. Retained, so no claim that goes takes a film with
 * it. `hard`: an application waits for a server that reboots instead of writing half a file. Numbers of users pass
 * through unchanged.
 */
export function mediaVolume(homelab: Homelab): (core.v1.PersistentVolume & { spec: object }) | undefined {
  const media = mediaExport(homelab);
  return (
    media && {
      metadata: { name: MEDIA_VOLUME },
      spec: {
        capacity: { storage: media.size },
        accessModes: [accessMode(media.readOnly)],
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: MEDIA_CLASS,
        volumeMode: "Filesystem",
        mountOptions: ["nfsvers=4.2", "hard", "noatime", ...(media.readOnly ? ["ro"] : [])],
        csi: {
          driver: NFS_DRIVER,
          volumeHandle: `${media.address}${media.path}`,
          readOnly: media.readOnly,
          volumeAttributes: { server: media.address, share: media.path },
        },
      },
    }
  );
}

/**
 * Spec of the claim on the media volume; undefined where there is none. A volume has one claim, so there is one
 * namespace with media, in which all pods use the same claim and differ by `subPath`. One share for downloads and
 * library is also what lets the applications move by hard link.
 */
export function mediaClaim(homelab: Homelab): core.v1.PersistentVolumeClaimSpec | undefined {
  const media = mediaExport(homelab);
  return (
    media && {
      accessModes: [accessMode(media.readOnly)],
      storageClassName: MEDIA_CLASS,
      volumeName: MEDIA_VOLUME,
      resources: { requests: { storage: media.size } },
    }
  );
}
