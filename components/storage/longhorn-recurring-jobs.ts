/** Spec of a `recurringjobs.longhorn.io` object (v1beta2). */
export interface RecurringJobSpec {
  name: string;
  task: "snapshot" | "filesystem-trim";
  /** In the time zone of the control plane. */
  cron: string;
  groups: string[];
  /** Snapshots kept; 0 where the task keeps nothing, or Longhorn's webhook changes it. */
  retain: number;
  /** Volumes worked on at the same time. */
  concurrency: number;
  labels: Record<string, string>;
}

/** Longhorn's own group: every volume that names no job itself, so that no class has to. */
const EVERY_VOLUME = "default";

/**
 * What Longhorn does by itself with every attached volume, before the backups and the hours of reboot.
 *
 * A snapshot lies on the same disks as its volume: it undoes yesterday's mistake and outlives no disk. Tiers with one
 * replica therefore depend on the backups in B2 alone, which Velero takes of the files. The trim gives back what an
 * application has deleted; without it a volume only ever grows, and the disks are not overcommitted.
 */
export const longhornRecurringJobs: readonly RecurringJobSpec[] = [
  {
    name: "snapshot-daily",
    task: "snapshot",
    cron: "30 1 * * *",
    groups: [EVERY_VOLUME],
    retain: 3,
    concurrency: 2,
    labels: {},
  },
  {
    name: "trim-weekly",
    task: "filesystem-trim",
    cron: "30 0 * * 6",
    groups: [EVERY_VOLUME],
    retain: 0,
    concurrency: 1,
    labels: {},
  },
];
