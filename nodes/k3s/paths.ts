import { K3S_DATA, OWN_FOLDER } from "../../config/folders";

/** Where K3s and this program keep things on a node. Stated once; scripts get them as variables. */
export const paths = {
  data: K3S_DATA,
  config: "/etc/rancher/k3s/config.yaml",
  registries: "/etc/rancher/k3s/registries.yaml",
  serverToken: "/etc/rancher/k3s/server-token",
  agentToken: "/etc/rancher/k3s/agent-token",
  kubeconfig: "/etc/rancher/k3s/k3s.yaml",
  /** Versions of the binary lie here side by side; /usr/local/bin/k3s is a link to one of them. */
  binaries: "/usr/local/lib/homelab/k3s",
  /** What a node remembers of itself: generation, kubelet root, inputs in force, old snapshots. */
  memory: OWN_FOLDER,
  teardownCommand: "/usr/local/sbin/homelab-k3s-teardown",
} as const;

/** Scripts that the stock installer leaves behind; both delete through mounts below the data directory. */
export const stockScripts = [
  "/usr/local/bin/k3s-killall.sh",
  "/usr/local/bin/k3s-uninstall.sh",
  "/usr/local/bin/k3s-agent-uninstall.sh",
] as const;
