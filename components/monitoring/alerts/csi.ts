import type { Homelab } from "../../../config/homelab";
import { LONGHORN_DRIVER, LONGHORN_NAMESPACE, longhornNodes } from "../../storage/longhorn-nodes";
import { NFS_DRIVER } from "../../storage/media-volume";
import { oneOf, type Alert, type AlertGroup } from "./alert";

/** The socket by which a CSI driver registers: node-driver-registrar names it, the kubelet watches the folder. */
function registrationSocket(homelab: Homelab, driver: string): string {
  return `${homelab.cluster.kubeletRoot}/plugins_registry/${driver}-reg.sock`;
}

/** Drivers, and the nodes on which each must be: a pod with its volume hangs for ever on a node without it. */
function drivers(homelab: Homelab): { driver: string; nodes: string }[] {
  const names = (machines: readonly { name: string }[]) => oneOf(machines.map(({ name }) => name));
  return [
    { driver: LONGHORN_DRIVER, nodes: names(longhornNodes(homelab)) },
    ...(homelab.storage.media ? [{ driver: NFS_DRIVER, nodes: names(homelab.nodes) }] : []),
  ];
}

function notRegistered(homelab: Homelab, driver: string, nodes: string): Alert {
  const socket = registrationSocket(homelab, driver);
  return {
    name: "CsiDriverNotRegistered",
    // Only while the kubelet is scraped: a node that is down is another alert.
    expr:
      `up{job="kubelet", metrics_path="/metrics", node=~"${nodes}"} == 1 unless on (node) ` +
      `plugin_manager_total_plugins{state="actual_state_of_world", socket_path="${socket}"} == 1`,
    for: "10m",
    severity: "critical",
    labels: { driver },
    summary: `The kubelet of {{ $labels.node }} does not know ${driver}`,
    description:
      "No pod with such a volume can start there. First the network of {{ $labels.node }}, then whether the driver's " +
      `socket is ${socket}. Change no path and delete nothing.`,
  };
}

/**
 * Registration of CSI drivers, which nothing watched when it broke in June 2025: the plugin's pods were Running, because
 * they waited at a socket in a folder that no kubelet looked into. So the kubelet itself is asked: its
 * `plugin_manager_total_plugins` has one series per registered socket (Kubernetes 1.32
 * pkg/kubelet/pluginmanager/metrics), and the path in it is the proof of the right root.
 */
export function csiAlerts(homelab: Homelab): AlertGroup {
  const plugin = `namespace="${LONGHORN_NAMESPACE}", pod=~"longhorn-csi-plugin-.*"`;
  return {
    topic: "csi",
    alerts: [
      ...drivers(homelab).map(({ driver, nodes }) => notRegistered(homelab, driver, nodes)),
      {
        name: "CsiPluginNotReady",
        expr:
          `(kube_pod_status_ready{${plugin}, condition="true"} == 0) ` +
          `* on (namespace, pod) group_left (node) kube_pod_info{${plugin}}`,
        for: "10m",
        severity: "critical",
        summary: "The CSI plugin's pod {{ $labels.pod }} is not ready",
        description:
          "Ping its node and the API server from it before reading CSI's own errors: they hide a network that is down.",
      },
      {
        name: "VolumeAttachmentStuck",
        expr:
          "(kube_volumeattachment_status_attached == 0) " +
          "* on (volumeattachment) group_left (node, attacher) kube_volumeattachment_info",
        for: "15m",
        severity: "warning",
        summary: "A volume has not attached to {{ $labels.node }} for 15 minutes",
        description: "kubectl describe volumeattachment {{ $labels.volumeattachment }} says what the driver answered.",
      },
    ],
  };
}
