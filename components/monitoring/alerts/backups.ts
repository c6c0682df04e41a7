import type { Homelab } from "../../../config/homelab";
import { longestGapHours } from "../../../config/cron";
import { backupSchedules, veleroNames, type BackupSchedule } from "../../backup/schedules";
import type { Alert, AlertGroup } from "./alert";

/** Hours after which a schedule's newest good backup is too old: one run may fail, two may not. */
export function backupAgeLimitHours(cron: string): number {
  return 2 * longestGapHours(cron);
}

/** Ages of one schedule. Metrics: velero v1.17.1 pkg/metrics; the time survives a restart of Velero. */
function ageAlerts(homelab: Homelab, name: BackupSchedule["name"]): Alert[] {
  const hours = backupAgeLimitHours(homelab.backup.schedules[name].cron);
  const newest = `velero_backup_last_successful_timestamp{schedule="${name}"}`;
  const description =
    `velero backup get | grep ${name}, then velero backup logs of the newest. Before anything else: does ` +
    `${homelab.backup.b2.endpoint} answer from a node?`;
  return [
    {
      name: "VeleroBackupTooOld",
      expr: `time() - max by (schedule) (${newest}) > ${Math.round(hours * 3600)}`,
      for: "10m",
      severity: "critical",
      labels: { schedule: name },
      summary: `The last good ${name} backup is more than ${Math.round(hours)} hours old`,
      description,
    },
    {
      name: "VeleroBackupMissing",
      expr: `absent(${newest})`,
      for: `${Math.ceil(hours)}h`,
      severity: "critical",
      labels: { schedule: name },
      summary: `There has been no good ${name} backup yet`,
      description,
    },
  ];
}

/** A failed run, seen for long enough to be read. Counters start at zero with each schedule (InitSchedule). */
function failed(counter: string, window: string): string {
  return `sum by (schedule) (increase(${counter}[${window}])) > 0`;
}

/**
 * Snapshots of etcd to B2, counted by K3s (pkg/etcd/snapshotmetrics, from v1.32.3) beside the API server's metrics.
 * `increase` misses a series' first value, so nothing is said before the process has lived for the whole window.
 */
function etcdAlerts(homelab: Homelab): Alert[] {
  const hours = Math.ceil(backupAgeLimitHours(homelab.backup.etcd.cron)) + 1;
  const saves = (status: string) => `k3s_etcd_snapshot_save_s3_duration_seconds_count{status="${status}"}`;
  return [
    {
      name: "EtcdSnapshotTooOld",
      expr:
        `(sum(increase(${saves("success")}[${hours}h])) or vector(0)) == 0 ` +
        `and on () time() - max(process_start_time_seconds{job="apiserver"}) > ${hours * 3600}`,
      for: "15m",
      severity: "critical",
      summary: `No etcd snapshot has reached B2 for ${hours} hours`,
      description: `On ${homelab.controlPlane.name}: k3s etcd-snapshot save, which prints why it fails.`,
    },
    {
      name: "EtcdSnapshotFailed",
      // Also the first of a process, at which the series is born.
      expr:
        `sum(increase(${saves("error")}[${hours}h])) > 0 ` +
        `or sum(${saves("error")}) unless sum(${saves("error")} offset ${hours}h)`,
      severity: "warning",
      summary: "An etcd snapshot did not reach B2",
      description: `On ${homelab.controlPlane.name}: journalctl -u k3s | grep -i snapshot.`,
    },
  ];
}

/** Backups: too old, failed, or with nowhere to go. In mode `restore` only a reminder, for then nothing runs. */
export function backupAlerts(homelab: Homelab): AlertGroup {
  const restoring: Alert = {
    name: "BackupsPaused",
    expr: "vector(1)",
    for: "12h",
    severity: "warning",
    summary: "Backups have been paused for half a day",
    description: "backup.mode is still restore. When the restore is done, set it to normal and run pulumi up.",
  };
  const ages = backupSchedules(homelab).flatMap(({ name }) => ageAlerts(homelab, name));
  return {
    topic: "backups",
    alerts: [
      ...(homelab.backup.mode === "restore" ? [restoring] : ages),
      {
        name: "VeleroBackupFailed",
        expr:
          `${failed("velero_backup_failure_total", "3h")} or ` +
          `${failed("velero_backup_validation_failure_total", "3h")}`,
        severity: "warning",
        summary: "A {{ $labels.schedule }} backup failed",
        description: "velero backup describe --details of the newest one. The next run may mend it; two in a row page.",
      },
      {
        name: "VeleroBackupPartiallyFailed",
        expr: failed("velero_backup_partial_failure_total", "3h"),
        severity: "warning",
        summary: "A {{ $labels.schedule }} backup left something out",
        description: "velero backup logs of the newest one, lines with level=error: mostly one volume of one pod.",
      },
      {
        name: "BackupLocationUnavailable",
        expr: `velero_backup_location_status_gauge{backup_location_name="${veleroNames.location}"} == 0`,
        for: "15m",
        severity: "critical",
        summary: "Velero cannot reach its bucket",
        description:
          `From a node: curl -sI https://${homelab.backup.b2.endpoint}. If that answers, ` +
          "velero backup-location get shows what B2 says about the key.",
      },
      {
        name: "VeleroMetricsMissing",
        expr: "absent(velero_backup_total)",
        for: "30m",
        severity: "warning",
        summary: "Velero is not watched",
        description: `No other alert about backups can fire now. kubectl -n ${veleroNames.namespace} get pods.`,
      },
      ...etcdAlerts(homelab),
    ],
  };
}
