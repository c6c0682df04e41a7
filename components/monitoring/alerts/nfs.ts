import type { Homelab } from "../../../config/homelab";
import { answered, nfsServers } from "../prober/probes";
import type { AlertGroup } from "./alert";

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
    ],
  };
}
