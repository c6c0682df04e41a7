import type { K3sKind } from "./flags";

/** Name of the systemd unit, as the stock installer names it. */
export const unitName: Readonly<Record<K3sKind, string>> = { server: "k3s", agent: "k3s-agent" };

/**
 * The systemd unit of K3s. Settings are those of the stock installer (install.sh, create_systemd_service_file, v1.32.5+k3s1):
 * Type=notify, pods outlive a restart by KillMode=process. Different: all options stand in config.yaml, and there is no
 * environment file through which a stray K3S_* variable could override it.
 *
 * @param mounts paths that must be mounted before K3s starts, for example the node's data disks: a kubelet that starts
 *   without them would let Longhorn write to the root disk.
 */
export function k3sUnit(kind: K3sKind, mounts: readonly string[] = []): string {
  return [
    "[Unit]",
    "Description=Lightweight Kubernetes",
    "Documentation=https://k3s.io",
    "Wants=network-online.target",
    "After=network-online.target",
    ...(mounts.length === 0 ? [] : [`RequiresMountsFor=${[...mounts].sort().join(" ")}`]),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
    "[Service]",
    "Type=notify",
    "KillMode=process",
    "Delegate=yes",
    "LimitNOFILE=1048576",
    "LimitNPROC=infinity",
    "LimitCORE=infinity",
    "TasksMax=infinity",
    "TimeoutStartSec=0",
    "Restart=always",
    "RestartSec=5s",
    "ExecStartPre=-/sbin/modprobe br_netfilter",
    "ExecStartPre=-/sbin/modprobe overlay",
    `ExecStart=/usr/local/bin/k3s ${kind}`,
    "",
  ].join("\n");
}
