import type { Homelab } from "../../config/homelab";
import { toYaml } from "../../config/yaml";
import { LONGHORN_DRIVER } from "../storage/longhorn-nodes";
import { NFS_DRIVER } from "../storage/media-volume";

/** Names of Velero's objects that refer to each other. */
export const veleroNames = {
  namespace: "velero",
  location: "default",
  /** Secret with the bucket's key, as an AWS credentials file under the key `cloud`. */
  credentials: "velero-bucket",
} as const;

/** One rule of a volume policy; the first whose conditions all match decides. */
interface VolumeRule {
  conditions: {
    /** `{}` is any volume of the kind. */
    nfs?: Record<string, never>;
    csi?: { driver: string };
    volumeTypes?: readonly string[];
    /** Labels of the claim; Velero 1.17 and later. */
    pvcLabels?: Readonly<Record<string, string>>;
    storageClass?: readonly string[];
  };
  action: { type: "skip" | "fs-backup" };
}

/**
 * File system backup takes every volume that it can read: without these two rules it would send 30 TB of films to B2.
 * They stand first in every policy, both for volumes of the CSI driver and for plain NFS volumes of a pod.
 */
const neverMedia: readonly VolumeRule[] = [
  { conditions: { nfs: {} }, action: { type: "skip" } },
  { conditions: { csi: { driver: NFS_DRIVER } }, action: { type: "skip" } },
];

/** Label of a claim with the most frequent schedule that carries its volume; without it every schedule does. */
export const BACKUP_LABEL = "homelab/backup";

/**
 * Labels of a claim whose volume is of that class. One of class `none` is in no backup as an object either (velero v1.17.1
 * pkg/backup/item_backupper.go), and so a restore of its namespace leaves its volume out: it would make the record as it was, for the
 * volume is retained (pkg/restore/restore.go), the claim would be bound to what is no more, and its pod wait for ever. A claim that is
 * not there is made anew by the next run.
 */
export function backupLabels(backup: "hourly" | "daily" | "weekly" | "none"): Record<string, string> {
  return { [BACKUP_LABEL]: backup, ...(backup === "none" ? { "velero.io/exclude-from-backup": "true" } : {}) };
}

/** Leaves out volumes whose class is a rarer one. */
function without(...classes: readonly ("daily" | "weekly" | "none")[]): VolumeRule[] {
  return classes.map((value) => ({ conditions: { pvcLabels: { [BACKUP_LABEL]: value } }, action: { type: "skip" } }));
}

/**
 * Which volumes are backed up, by the name of the policy's ConfigMap. `volumes-longhorn`: those on Longhorn and nothing
 * else. `volumes-daily` and `volumes-all`: everything that has a life beyond its pod. Each leaves out what is of a rarer
 * class.
 * Format and matching: velero v1.17.1 internal/resourcepolicies.
 */
export const volumePolicies = {
  "volumes-longhorn": [
    ...neverMedia,
    ...without("daily", "weekly", "none"),
    { conditions: { csi: { driver: LONGHORN_DRIVER } }, action: { type: "fs-backup" } },
    { conditions: {}, action: { type: "skip" } },
  ],
  "volumes-daily": [
    ...neverMedia,
    ...without("weekly", "none"),
    { conditions: { volumeTypes: ["emptyDir"] }, action: { type: "skip" } },
  ],
  "volumes-all": [
    ...neverMedia,
    ...without("none"),
    { conditions: { volumeTypes: ["emptyDir"] }, action: { type: "skip" } },
  ],
} as const satisfies Record<string, readonly VolumeRule[]>;

export type VolumePolicyName = keyof typeof volumePolicies;

/** Content of a policy's ConfigMap; Velero wants exactly one key in it. */
export function volumePolicyData(name: VolumePolicyName): Record<string, string> {
  return { "policy.yaml": toYaml({ version: "v1", volumePolicies: volumePolicies[name] }) };
}

/**
 * Not backed up. Events are noise. Longhorn's own records of volumes, replicas and disks describe hardware of the moment:
 * a restore makes new volumes and fills them, and old records beside them would be volumes without data.
 */
export const excludedResources: readonly string[] = [
  "events",
  "events.events.k8s.io",
  ...["volumes", "engines", "replicas", "nodes", "instancemanagers", "volumeattachments", "snapshots"].map(
    (kind) => `${kind}.longhorn.io`,
  ),
];

/** A Schedule of Velero: name and spec. */
export interface BackupSchedule {
  name: "hourly" | "daily" | "weekly";
  spec: {
    schedule: string;
    paused: boolean;
    useOwnerReferencesInBackup: boolean;
    skipImmediately: boolean;
    template: {
      ttl: string;
      storageLocation: string;
      includedNamespaces: string[];
      excludedResources: string[];
      defaultVolumesToFsBackup: boolean;
      snapshotVolumes: boolean;
      resourcePolicy: { kind: "configmap"; name: VolumePolicyName };
    };
  };
}

/** Namespaces that the configuration calls critical, and those of apps with a volume that wants it daily or more often. */
export function dailyNamespaces({ backup, apps }: Homelab): string[] {
  const wanted = apps.filter(({ volumes }) =>
    Object.values(volumes).some(({ backup: kind }) => kind === "hourly" || kind === "daily"),
  );
  return [...new Set([...backup.schedules.daily.namespaces, ...wanted.map(({ namespace }) => namespace)])];
}

/**
 * What is backed up when: volumes on Longhorn every hour, critical namespaces every day, everything once a week.
 * In mode `restore` all are paused, so that a fresh cluster leaves the old backups alone.
 */
export function backupSchedules(homelab: Homelab): BackupSchedule[] {
  const { mode, schedules } = homelab.backup;
  const schedule = (
    name: BackupSchedule["name"],
    namespaces: readonly string[],
    policy: VolumePolicyName,
  ): BackupSchedule => ({
    name,
    spec: {
      // Velero's own clock is UTC.
      schedule: `CRON_TZ=${homelab.cluster.timezone} ${schedules[name].cron}`,
      paused: mode === "restore",
      // Backups outlive their schedule.
      useOwnerReferencesInBackup: false,
      // Velero writes the default into the object; stated, there is nothing for a refresh to find.
      skipImmediately: false,
      template: {
        ttl: schedules[name].keep,
        storageLocation: veleroNames.location,
        includedNamespaces: [...namespaces],
        excludedResources: [...excludedResources],
        // File by file through the node agents: a snapshot would stay on the very disks that may fail.
        defaultVolumesToFsBackup: true,
        snapshotVolumes: false,
        resourcePolicy: { kind: "configmap", name: policy },
      },
    },
  });
  return [
    schedule("hourly", ["*"], "volumes-longhorn"),
    schedule("daily", dailyNamespaces(homelab), "volumes-daily"),
    schedule("weekly", ["*"], "volumes-all"),
  ];
}
