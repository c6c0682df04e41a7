import { OWN_FOLDER } from "../../config/folders";
import type { HelmValues } from "../chart";
import { alloyConfig } from "./alloy-config";

/** On the node: how far each file was read, so that a restart neither repeats nor loses lines. */
const STATE_FOLDER = `${OWN_FOLDER}/alloy`;
const STATE_MOUNT = "/var/lib/alloy";

/** Values of the Alloy chart 1.4.0. The namespace lets privileged pods in: it reads the host's logs, as root. */
export function alloyValues(lokiUrl: string): HelmValues {
  return {
    // PodLogs, which is not used.
    crds: { create: false },
    alloy: {
      configMap: { content: alloyConfig(lokiUrl) },
      enableReporting: false,
      storagePath: STATE_MOUNT,
      mounts: { varlog: true, extra: [{ name: "state", mountPath: STATE_MOUNT }] },
      // Root owns the logs, and as their owner needs no capability to read them.
      securityContext: {
        runAsUser: 0,
        runAsGroup: 0,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    },
    controller: {
      type: "daemonset",
      // Logs of every node, whatever its taints keep away.
      tolerations: [{ operator: "Exists" }],
      volumes: { extra: [{ name: "state", hostPath: { path: STATE_FOLDER, type: "DirectoryOrCreate" } }] },
    },
    // What it needs and no more: the chart's default reads every Secret of the cluster. Neither list may be empty, for
    // the chart writes them below each other.
    rbac: {
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
      clusterRules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }],
    },
    serviceMonitor: { enabled: true },
  };
}
