import { of, told, type AlertCase } from "../case";

const VOLUME = 'node="k3s1", volume="pvc-1", pvc="config", pvc_namespace="media"';
const claim = { volume: "pvc-1", pvc: "config", pvc_namespace: "media", node: "k3s1" };
/** The scrape's own namespace stands beside it (trap 67). */
const volume = (robustness: string) => [
  of(`longhorn_volume_robustness{${VOLUME}, namespace="longhorn-system"}`, robustness),
];

const nodeStatus = (node: string, condition: string, values: string, reason = "") =>
  of(`longhorn_node_status{node="${node}", condition="${condition}", condition_reason="${reason}"}`, values);
const diskStatus = (condition: string, values: string) => [
  of(
    `longhorn_disk_status{node="k3s3", disk="nvme-1", condition="${condition}", condition_reason="DiskPressure"}`,
    values,
  ),
];
const used = (kind: "node_storage" | "disk", bytes: string) => {
  const labels = kind === "disk" ? 'node="k3s3", disk="nvme-1"' : 'node="k3s3"';
  return [
    of(`longhorn_${kind}_usage_bytes{${labels}}`, `${bytes}x60`),
    of(`longhorn_${kind}_capacity_bytes{${labels}}`, "100e9x60"),
  ];
};
const info = ["k3s1", "k3s2", "k3s3"].map((node) => of(`kube_node_info{node="${node}"}`, "1x60"));
const reported = (...nodes: string[]) => nodes.map((node) => nodeStatus(node, "ready", "1x60"));
const disk = { node: "k3s3", disk: "nvme-1" };

const longhornCases: readonly AlertCase[] = [
  {
    alert: "LonghornVolumeFaulted",
    when: "no usable copy",
    series: volume("3x10"),
    at: "5m",
    fires: [told("critical", claim, "Volume of media/config has no usable copy")],
  },
  ...["0", "1", "2"].map((robustness) => ({
    alert: "LonghornVolumeFaulted",
    when: `robustness ${robustness}: detached, healthy or degraded`,
    series: volume(`${robustness}x10`),
    at: "5m",
    fires: [],
  })),
  {
    alert: "LonghornVolumeDegraded",
    when: "half an hour with a copy too few",
    series: volume("2x60"),
    at: "40m",
    fires: [told("warning", claim, "Volume of media/config has lost a copy")],
  },
  {
    alert: "LonghornVolumeDegraded",
    when: "a short rebuild",
    series: volume("2x10 1x50"),
    at: "40m",
    fires: [],
  },
  {
    alert: "LonghornManagerGone",
    when: "trap 67: the manager of k3s2 fell silent",
    series: [...info, ...reported("k3s1", "k3s3"), nodeStatus("k3s2", "ready", "1x2 _x58")],
    at: "25m",
    fires: [told("critical", { node: "k3s2" }, "Nobody reports the volumes of k3s2")],
  },
  {
    alert: "LonghornManagerGone",
    when: "all report",
    series: [...info, ...reported("k3s1", "k3s2", "k3s3")],
    at: "25m",
    fires: [],
  },
  {
    alert: "LonghornMetricsMissing",
    when: "no manager is seen at all",
    series: info,
    at: "20m",
    fires: [told("critical", {}, "Longhorn is not watched at all")],
  },
  {
    alert: "LonghornMetricsMissing",
    when: "one is",
    series: reported("k3s1"),
    at: "20m",
    fires: [],
  },
  {
    alert: "LonghornNodeNotReady",
    when: "whatever the reason",
    series: [nodeStatus("k3s1", "ready", "0x30", "ManagerPodDown")],
    at: "15m",
    fires: [told("critical", { node: "k3s1" }, "Longhorn cannot use node k3s1")],
  },
  {
    alert: "LonghornNodeNotReady",
    when: "it is ready",
    series: [nodeStatus("k3s1", "ready", "1x30")],
    at: "15m",
    fires: [],
  },
  {
    alert: "LonghornNodeNotSchedulable",
    when: "cordoned for more than an hour",
    series: [nodeStatus("k3s1", "schedulable", "0x90", "KubernetesNodeCordoned")],
    at: "80m",
    fires: [told("warning", { node: "k3s1" }, "Longhorn places no new copies on k3s1")],
  },
  {
    alert: "LonghornNodeNotSchedulable",
    when: "cordoned for half an hour",
    series: [nodeStatus("k3s1", "schedulable", "0x30 1x60")],
    at: "80m",
    fires: [],
  },
  {
    alert: "LonghornDiskNotReady",
    when: "a failed disk",
    series: diskStatus("ready", "0x20"),
    at: "15m",
    fires: [told("critical", disk, "Disk nvme-1 of k3s3 is not usable")],
  },
  { alert: "LonghornDiskNotReady", when: "it is usable", series: diskStatus("ready", "1x20"), at: "15m", fires: [] },
  {
    alert: "LonghornDiskNotSchedulable",
    when: "too full for more than an hour",
    series: diskStatus("schedulable", "0x90"),
    at: "80m",
    fires: [told("warning", disk, "Disk nvme-1 of k3s3 takes no new copies")],
  },
  {
    alert: "LonghornDiskNotSchedulable",
    when: "it takes copies",
    series: diskStatus("schedulable", "1x90"),
    at: "80m",
    fires: [],
  },
  {
    alert: "LonghornDiskAlmostFull",
    when: "88%",
    series: used("disk", "88e9"),
    at: "20m",
    fires: [told("warning", disk, "Disk nvme-1 of k3s3 is 88% full")],
  },
  { alert: "LonghornDiskAlmostFull", when: "80%", series: used("disk", "80e9"), at: "20m", fires: [] },
  {
    alert: "LonghornNodeStorageAlmostFull",
    when: "93% of all disks of a node",
    series: used("node_storage", "93e9"),
    at: "20m",
    fires: [told("critical", { node: "k3s3" }, "Volumes on k3s3 have 93% of its storage")],
  },
  {
    alert: "LonghornNodeStorageAlmostFull",
    when: "88%",
    series: used("node_storage", "88e9"),
    at: "20m",
    fires: [],
  },
];

const last = (schedule: string, values: string) =>
  of(`velero_backup_last_successful_timestamp{schedule="${schedule}"}`, values);
const counter = (metric: string, values: string) => [of(`${metric}{schedule="daily"}`, values)];
const bucket = (values: string) => [of('velero_backup_location_status_gauge{backup_location_name="default"}', values)];

/** Hours until each schedule's last good backup is too old: twice its longest gap. */
const limits = { hourly: 2, daily: 48, weekly: 336 };
const entries = Object.entries(limits);

const started = of('process_start_time_seconds{job="apiserver"}', "0x2000");
const saved = (status: string, values: string) =>
  of(`k3s_etcd_snapshot_save_s3_duration_seconds_count{job="apiserver", status="${status}"}`, values);

const backupCases: readonly AlertCase[] = [
  // Succeeded at the start, and never since.
  ...entries.flatMap(([schedule, hours]): AlertCase[] => [
    {
      alert: "VeleroBackupTooOld",
      rule: { schedule },
      when: `the ${schedule} one, after ${hours} hours and the patience of the alert`,
      series: [last(schedule, `0x${hours + 10}`)],
      interval: "1h",
      at: `${hours + 2}h`,
      fires: [told("critical", { schedule }, `The last good ${schedule} backup is more than ${hours} hours old`)],
    },
    {
      alert: "VeleroBackupTooOld",
      rule: { schedule },
      when: `the ${schedule} one, within ${hours} hours`,
      series: [last(schedule, `0x${hours + 10}`)],
      interval: "1h",
      at: `${hours}h`,
      fires: [],
    },
    {
      alert: "VeleroBackupMissing",
      rule: { schedule },
      when: `the ${schedule} one has never been`,
      series: entries.filter(([other]) => other !== schedule).map(([other]) => last(other, `0x${hours + 10}`)),
      interval: "1h",
      at: `${hours + 2}h`,
      fires: [told("critical", { schedule }, `There has been no good ${schedule} backup yet`)],
    },
    {
      alert: "VeleroBackupMissing",
      rule: { schedule },
      when: `there was one of each, ${schedule} too`,
      series: entries.map(([other]) => last(other, `0x${hours + 10}`)),
      interval: "1h",
      at: `${hours + 2}h`,
      fires: [],
    },
  ]),
  {
    alert: "VeleroBackupTooOld",
    rule: { schedule: "hourly" },
    when: "every hour anew",
    series: [last("hourly", "0x59 3600x59 7200x59")],
    at: "170m",
    fires: [],
  },
  ...["velero_backup_failure_total", "velero_backup_validation_failure_total"].map((metric) => ({
    alert: "VeleroBackupFailed",
    when: `one more in ${metric}`,
    series: counter(metric, "0x30 1x30"),
    at: "50m",
    fires: [told("warning", { schedule: "daily" }, "A daily backup failed")],
  })),
  {
    alert: "VeleroBackupFailed",
    when: "no failure",
    series: [
      ...counter("velero_backup_failure_total", "3x60"),
      ...counter("velero_backup_validation_failure_total", "0x60"),
    ],
    at: "50m",
    fires: [],
  },
  {
    alert: "VeleroBackupPartiallyFailed",
    when: "one volume of one pod",
    series: counter("velero_backup_partial_failure_total", "0x30 1x30"),
    at: "50m",
    fires: [told("warning", { schedule: "daily" }, "A daily backup left something out")],
  },
  {
    alert: "VeleroBackupPartiallyFailed",
    when: "all complete",
    series: counter("velero_backup_partial_failure_total", "2x60"),
    at: "50m",
    fires: [],
  },
  {
    alert: "BackupLocationUnavailable",
    when: "the bucket does not answer",
    series: bucket("0x30"),
    at: "20m",
    fires: [told("critical", { backup_location_name: "default" }, "Velero cannot reach its bucket")],
  },
  { alert: "BackupLocationUnavailable", when: "it does", series: bucket("1x30"), at: "20m", fires: [] },
  {
    alert: "VeleroMetricsMissing",
    when: "no Velero",
    series: [of("somebody_else", "1x60")],
    at: "40m",
    fires: [told("warning", {}, "Velero is not watched")],
  },
  {
    alert: "VeleroMetricsMissing",
    when: "it counts",
    series: [of("velero_backup_total", "3x60")],
    at: "40m",
    fires: [],
  },
  {
    alert: "EtcdSnapshotTooOld",
    when: "none since K3s started",
    series: [started],
    at: "850m",
    fires: [told("critical", {}, "No etcd snapshot has reached B2 for 13 hours")],
  },
  {
    alert: "EtcdSnapshotTooOld",
    when: "one long ago",
    series: [started, saved("success", "1x2000")],
    at: "1400m",
    fires: [told("critical", {}, "No etcd snapshot has reached B2 for 13 hours")],
  },
  {
    alert: "EtcdSnapshotTooOld",
    when: "one every six hours",
    series: [started, saved("success", "1x359 2x359 3x359 4x359")],
    at: "1400m",
    fires: [],
  },
  { alert: "EtcdSnapshotTooOld", when: "K3s is young", series: [started], at: "700m", fires: [] },
  {
    alert: "EtcdSnapshotFailed",
    when: "the first of a process, at which the series is born",
    series: [saved("error", "_x100 1x100")],
    at: "150m",
    fires: [told("warning", {}, "An etcd snapshot did not reach B2")],
  },
  {
    alert: "EtcdSnapshotFailed",
    when: "one more",
    series: [saved("error", "1x1000 2x100")],
    at: "1050m",
    fires: [told("warning", {}, "An etcd snapshot did not reach B2")],
  },
  {
    alert: "EtcdSnapshotFailed",
    when: "one that is long ago",
    series: [saved("error", "1x1500")],
    at: "1400m",
    fires: [],
  },
];

export const dataCases: readonly AlertCase[] = [...longhornCases, ...backupCases];
