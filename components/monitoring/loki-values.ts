import { LOCAL_PATH_CLASS } from "../../config/class-names";
import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { AUDIT_SELECTOR } from "./audit";
import { lokiBackend } from "./names";
import { awayFromControlPlane } from "./placement";

/**
 * First day of Loki's index format. A new format gets a later entry beside it; this one never moves, because the logs
 * written since are read by it.
 */
const schemaFrom = "2025-01-01";

/**
 * Values of the Loki chart 6.46.0 for one binary (trap 41).
 *
 * On local-path, not on Longhorn: the logs that explain an outage of the storage must be readable during it. No copy
 * and no enforced size are the price; retention and the alert on full file systems stand in for the latter.
 */
export function lokiValues(homelab: Homelab): HelmValues {
  const { retentionDays, auditDays, size } = homelab.monitoring.loki;
  const none = { replicas: 0 };
  const off = { enabled: false };
  return {
    deploymentMode: "SingleBinary",
    // It asks nothing of the API server.
    serviceAccount: { automountServiceAccountToken: false },
    // The chart asks for the scalable targets' replicas to be zero by name.
    read: none,
    write: none,
    backend: none,
    singleBinary: {
      replicas: 1,
      persistence: {
        size,
        storageClass: LOCAL_PATH_CLASS,
        // By default the logs are deleted with the StatefulSet, hence also when that is replaced.
        enableStatefulSetAutoDeletePVC: false,
        whenDeleted: "Retain",
        whenScaled: "Retain",
      },
      affinity: awayFromControlPlane(homelab),
      resources: { requests: { cpu: "100m", memory: "512Mi" }, limits: { memory: "2Gi" } },
    },
    loki: {
      // One tenant; with it on, every push and query needs a header.
      auth_enabled: false,
      commonConfig: { replication_factor: 1 },
      storage: { type: "filesystem" },
      schemaConfig: {
        configs: [
          {
            from: schemaFrom,
            store: "tsdb",
            object_store: "filesystem",
            schema: "v13",
            index: { prefix: "index_", period: "24h" },
          },
        ],
      },
      limits_config: {
        retention_period: `${retentionDays * 24}h`,
        retention_stream: [{ selector: AUDIT_SELECTOR, priority: 1, period: `${auditDays * 24}h` }],
      },
      // Without these the period above is only a wish.
      compactor: { retention_enabled: true, delete_request_store: "filesystem" },
      analytics: { reporting_enabled: false },
      server: { http_listen_port: lokiBackend.port },
    },
    // Caches of 8 GiB, a canary with its test, and an nginx in front of one pod.
    chunksCache: off,
    resultsCache: off,
    lokiCanary: off,
    test: off,
    gateway: off,
    sidecar: { rules: off },
    // The chart makes it only if the cluster knows the kind at render time, which the first render cannot.
    monitoring: { serviceMonitor: off },
  };
}
