import type { Homelab } from "../../../config/homelab";
import { backupSchedules } from "../../backup/schedules";
import { longhornNodes } from "../../storage/longhorn-nodes";
import { MEDIA_VOLUME } from "../../storage/media-volume";
import { backupAgeLimitHours } from "../alerts/backups";
import { oneOf } from "../alerts/alert";
import { answered } from "../prober/probes";

export type ObjectiveName = keyof Homelab["monitoring"]["objectives"];

/** Something that people of the house notice when it is not so, and how often it may be not so. */
export interface Objective {
  name: ObjectiveName;
  /** What is promised, for a sentence: "the gateway answers". */
  promise: string;
  /** Percent of the time, over 30 days. */
  percent: number;
  /** PromQL: from 0, all bad, to 1, all good. No sample where nobody measures: silence is another alert's matter. */
  good: string;
  /** Page of the alerts that say what exactly is broken. */
  page: string;
}

const ROBUSTNESS = "max by (volume) (longhorn_volume_robustness)";

/** Volumes that have all their copies (robustness 2 is degraded, 3 faulted), of those that a manager reports. */
function storage(homelab: Homelab): string {
  const nodes = longhornNodes(homelab).map(({ name }) => name);
  const ready = `max by (node) (longhorn_node_status{condition="ready", node=~"${oneOf(nodes)}"})`;
  const whole = `(1 - (count(${ROBUSTNESS} >= 2) or 0 * count(${ROBUSTNESS})) / count(${ROBUSTNESS}))`;
  // A node that is silent hides its volumes; a house without any volume is a good one.
  return `(sum(${ready}) / ${nodes.length}) * (${whole} or 1 + 0 * sum(${ready}))`;
}

/** Schedules whose newest good backup is young enough, of all. */
function backups(homelab: Homelab): string {
  const schedules = backupSchedules(homelab);
  const young = schedules.map(({ name }) => {
    const limit = Math.round(backupAgeLimitHours(homelab.backup.schedules[name].cron) * 3600);
    return `(time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule="${name}"}) <= bool ${limit})`;
  });
  return `sum(${young.join(" or ")}) / ${schedules.length}`;
}

/** Nodes that reach the media's server, times the pods with the media that are ready, of those that want to run. */
function media(): string {
  const claim = `max by (namespace, persistentvolumeclaim) (kube_persistentvolumeclaim_info{volumename="${MEDIA_VOLUME}"})`;
  const mounted =
    "max by (namespace, pod) (kube_pod_spec_volumes_persistentvolumeclaims_info * " +
    `on (namespace, persistentvolumeclaim) group_left () ${claim})`;
  const running = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"} == 1)';
  const ready = `kube_pod_status_ready{condition="true"} and on (namespace, pod) ${mounted} and on (namespace, pod) ${running}`;
  return `avg(${answered("server", "L4")}) * (avg(${ready}) or 1 + 0 * count(kube_node_info))`;
}

/** What this house promises itself; what it does not have is left out. */
export function objectives(homelab: Homelab): Objective[] {
  const { objectives: percent } = homelab.monitoring;
  return [
    {
      name: "gateway",
      promise: "the gateway answers every node",
      percent: percent.gateway,
      good: `avg(${answered("gateway", "L4")})`,
      page: "reachability",
    },
    {
      name: "storage",
      promise: "every volume has all its copies",
      percent: percent.storage,
      good: storage(homelab),
      page: "longhorn",
    },
    // While a restore is on, no schedule runs, and BackupsPaused says so.
    ...(homelab.backup.mode === "normal"
      ? [
          {
            name: "backups" as const,
            promise: "the last good backup of each schedule is young",
            percent: percent.backups,
            good: backups(homelab),
            page: "backups",
          },
        ]
      : []),
    ...(homelab.storage.media
      ? [
          {
            name: "media" as const,
            promise: "the media share and the apps on it are up",
            percent: percent.media,
            good: media(),
            page: "nfs",
          },
        ]
      : []),
  ];
}
