import type { Homelab } from "../../../config/homelab";
import { backupSchedules, veleroNames, type BackupSchedule } from "../../backup/schedules";
import { backupAgeLimitHours } from "../alerts/backups";
import type { Board, Section } from "./board";
import { lines, stat, timeline } from "./kinds";
import { highIsBad, lowIsBad, type PanelSource } from "./panel";
import { backupAge } from "./queries";

/** What a class of backups holds: see components/backup/schedules.ts. */
const contents: Readonly<Record<BackupSchedule["name"], string>> = {
  hourly: "volumes on Longhorn",
  daily: "the critical namespaces",
  weekly: "everything",
};

const SAVED = 'k3s_etcd_snapshot_save_s3_duration_seconds_count{status="success"}';

/**
 * Seconds since K3s last counted a snapshot in B2, looked for in steps of five minutes over two days, so up to ten
 * minutes too few. A counter's first value is not seen: after a restart of K3s the first snapshot is missing here.
 */
const ETCD_AGE = `time() - (max_over_time(((sum(increase(${SAVED}[10m])) > bool 0) * time())[2d:5m]) > 0)`;

function ages(homelab: Homelab): Section {
  const paused = homelab.backup.mode === "restore";
  const schedules = backupSchedules(homelab);
  const answer = { unit: "s", decimals: 0, width: Math.floor(24 / (schedules.length + 1)), height: 5 };
  const etcd = Math.ceil(backupAgeLimitHours(homelab.backup.etcd.cron)) + 1;
  const age = ({ name }: BackupSchedule): PanelSource => {
    const { cron, keep } = homelab.backup.schedules[name];
    const limit = backupAgeLimitHours(cron) * 3600;
    return stat({
      ...answer,
      title: `${name}: last good one`,
      description:
        `Holds ${contents[name]}, runs at "${cron}", kept for ${keep}. ` +
        (paused ? "Paused while backup.mode is restore. " : "") +
        `Old: does ${homelab.backup.b2.endpoint} answer from a node? Then velero backup logs of the newest.`,
      queries: [{ expr: backupAge(name) }],
      thresholds: highIsBad(limit / 2 + 3600, limit),
      noValue: "none yet",
      alert: paused ? "BackupsPaused" : "VeleroBackupTooOld",
    });
  };
  return {
    title: "Age of the last good one",
    panels: [
      ...schedules.map(age),
      stat({
        ...answer,
        title: "etcd: last snapshot in B2",
        description:
          `Runs at "${homelab.backup.etcd.cron}". Old: k3s etcd-snapshot save on ${homelab.controlPlane.name} prints why. ` +
          "After a restart of K3s the first one is not counted.",
        queries: [{ expr: ETCD_AGE }],
        thresholds: highIsBad((etcd * 3600) / 2 + 3600, etcd * 3600),
        noValue: "none in 2 days",
        alert: "EtcdSnapshotTooOld",
      }),
    ],
  };
}

const health: Section = {
  title: "Health",
  panels: [
    stat({
      title: "Bucket",
      description: "1: Velero reaches its bucket. 0: ask the endpoint from a node, then velero backup-location get.",
      queries: [{ expr: `min(velero_backup_location_status_gauge{backup_location_name="${veleroNames.location}"})` }],
      unit: "short",
      decimals: 0,
      width: 4,
      height: 6,
      thresholds: lowIsBad(1, 1),
      noValue: "not watched",
      alert: "BackupLocationUnavailable",
    }),
    stat({
      title: "Backups in the bucket",
      description: "As Velero knows them. A fall to few: is this a new cluster that has not seen the bucket yet?",
      queries: [{ expr: "max(velero_backup_total)" }],
      unit: "short",
      decimals: 0,
      width: 4,
      height: 6,
      thresholds: lowIsBad(1, 3),
      noValue: "not watched",
      alert: "VeleroMetricsMissing",
    }),
    stat({
      title: "Failed in 7 days",
      description: "One may fail, two in a row page. velero backup describe --details of the newest.",
      queries: [
        {
          expr: "sum(increase(velero_backup_failure_total[7d])) + sum(increase(velero_backup_validation_failure_total[7d]))",
        },
      ],
      unit: "short",
      decimals: 0,
      width: 4,
      height: 6,
      thresholds: highIsBad(1, 3),
      noValue: "not watched",
      alert: "VeleroBackupFailed",
    }),
    timeline({
      title: "Last run of each class",
      description: "Red: failed or left something out. velero backup logs, lines with level=error.",
      queries: [{ expr: 'max by (schedule) (velero_backup_last_status{schedule!=""})', legend: "{{schedule}}" }],
      unit: "short",
      width: 12,
      height: 6,
      states: { 1: { text: "good", colour: "green" }, 0: { text: "failed", colour: "red" } },
      alert: "VeleroBackupPartiallyFailed",
    }),
  ],
};

const runs: Section = {
  title: "Runs",
  panels: [
    lines({
      title: "Objects in the newest backup",
      description: "A sudden fall means that something is left out, even if the backup says it succeeded.",
      queries: [{ expr: 'max by (schedule) (velero_backup_items_total{schedule!=""})', legend: "{{schedule}}" }],
      unit: "short",
      min: 0,
      width: 8,
      height: 8,
    }),
    lines({
      title: "Errors in the newest backup",
      description: "Objects that could not be saved. velero backup logs names them.",
      queries: [{ expr: 'max by (schedule) (velero_backup_items_errors{schedule!=""})', legend: "{{schedule}}" }],
      unit: "short",
      min: 0,
      width: 8,
      height: 8,
      thresholds: highIsBad(1),
      alert: "VeleroBackupPartiallyFailed",
    }),
    lines({
      title: "How long they take",
      description: "Mean of the last 7 days. An hourly backup that takes an hour never ends: narrow what it holds.",
      queries: [
        {
          expr:
            'sum by (schedule) (increase(velero_backup_duration_seconds_sum{schedule!=""}[7d])) / ' +
            'sum by (schedule) (increase(velero_backup_duration_seconds_count{schedule!=""}[7d]))',
          legend: "{{schedule}}",
        },
      ],
      unit: "s",
      min: 0,
      width: 8,
      height: 8,
    }),
  ],
};

/** Backups: how old is the last good one of each class, and could a restore start now? */
export function backupsBoard(homelab: Homelab): Board {
  return {
    uid: "homelab-backups",
    title: "Backups",
    description: "Age of the last good backup of each class, and what the runs say.",
    from: "now-7d",
    sections: [ages(homelab), health, runs],
  };
}
