import type { Homelab } from "../../../config/homelab";
import { MEDIA_CLASS } from "../../storage/media-volume";
import { answered, nfsServers } from "../prober/probes";
import type { Alert, AlertGroup } from "./alert";

/**
 * The media share, as a node that mounts it sees it: the kubelet asks csi-driver-nfs, which asks the file system
 * (pkg/nfs/nodeserver.go NodeGetVolumeStats). Nothing on the storage server itself is watched.
 */
function mediaAlerts({ storage }: Homelab): Alert[] {
  if (!storage.media) {
    return [];
  }
  const claim = "namespace, persistentvolumeclaim";
  return [
    {
      name: "MediaAlmostFull",
      expr:
        `100 * max by (${claim}) (kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes) ` +
        `* on (${claim}) group_left () max by (${claim}) (kube_persistentvolumeclaim_info{storageclass="${MEDIA_CLASS}"}) > 95`,
      for: "30m",
      severity: "warning",
      summary: 'The media share is {{ $value | printf "%.0f" }}% full',
      description:
        `Downloads stop when it is full. On ${storage.media.server}: df -h, then du -xh --max-depth=2 of the share. Unpacked and ` +
        "failed downloads first; a recycle bin of Sonarr or Radarr lies on it, too.",
    },
  ];
}

/** The storage server, as all nodes see it. undefined for a house without one. */
export function nfsAlerts(homelab: Homelab): AlertGroup | undefined {
  if (nfsServers(homelab).length === 0) {
    return undefined;
  }
  const { controlPlane } = homelab;
  const none = (layer: "L3" | "L4") => `max by (peer) (${answered("server", layer)}) == 0`;
  const ofPeer = (expr: string) => `label_replace(${expr}, "node", "$1", "peer", "(.+)")`;
  const down = { name: "NfsServerDown", for: "2m", keepFiringFor: "10m", severity: "critical" } as const;
  const vm = controlPlane.vm ? ` It also carries ${controlPlane.name}, if that is on it.` : "";
  return {
    topic: "nfs",
    alerts: [
      {
        ...down,
        expr: ofPeer(none("L3")),
        labels: { layer: "L3" },
        summary: "Storage server {{ $labels.peer }} does not answer ping",
        description: `Its power, cable and iDRAC first. Mounts are hard: apps hang and go on when it is back.${vm}`,
      },
      {
        ...down,
        expr: ofPeer(`(${none("L4")} unless on (peer) ${none("L3")})`),
        labels: { layer: "L4" },
        summary: "Storage server {{ $labels.peer }} is up, but serves no NFS",
        description:
          "ssh {{ $labels.peer }}, then systemctl status nfs-server, exportfs -v and findmnt: an export whose file " +
          "system is not mounted is refused on purpose.",
      },
      ...mediaAlerts(homelab),
    ],
  };
}
