/** PromQL that more than one board asks. */

/** Firing alerts of a severity, one series each. */
export function firing(severity: string): string {
  return `ALERTS{alertstate="firing", severity=~"${severity}"}`;
}

/** Always fires: without it no rule is evaluated, and the absence of alerts says nothing. */
export const WATCHDOG = 'ALERTS{alertname="Watchdog", alertstate="firing"}';

/** 1 for each node that is Ready, 0 for one that is not. */
export const NODE_READY = 'max by (node) (kube_node_status_condition{condition="Ready", status="true"})';

/** 0 unknown (detached), 1 healthy, 2 degraded, 3 faulted; one series for each volume. */
export const VOLUME_ROBUSTNESS = "max by (volume, pvc, pvc_namespace) (longhorn_volume_robustness)";

/** Seconds since the newest good backup of each schedule. */
export function backupAge(schedule: string): string {
  return `time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule="${schedule}"})`;
}

/** Seconds until each certificate ends; those that were never issued are left out. */
export const CERTIFICATE_LEFT =
  "min by (name, exported_namespace) (certmanager_certificate_expiration_timestamp_seconds > 0) - time()";

/** 1 while the node's Cilium agent is ready. */
export const AGENT_READY =
  '(kube_pod_status_ready{namespace="kube-system", pod=~"cilium-[a-z0-9]{5}", condition="true"}) ' +
  '* on (namespace, pod) group_left (node) kube_pod_info{namespace="kube-system"}';
