import { escapePath } from "../disks/mount-unit";
import type { K3sKind } from "./flags";

/** Name of the systemd unit, as the stock installer names it. */
export const unitName: Readonly<Record<K3sKind, string>> = { server: "k3s", agent: "k3s-agent" };

/**
 * The systemd unit of K3s. Settings are those of the stock installer (install.sh, create_systemd_service_file, v1.32.5+k3s1):
 * Type=notify, pods outlive a restart by KillMode=process. Different: all options stand in config.yaml, and there is no
 * environment file through which a stray K3S_* variable could override it.
 *
 * @param mounts mount points that K3s waits for, for example the node's data disks. Wanted, not required: one dead disk
 *   of eleven delays the node's start and does not prevent it, and unmounting one by hand does not stop K3s. What must
 *   not happen, a write to the root disk below an empty mount point, the disks' step prevents by making it immutable.
 */
export function k3sUnit(kind: K3sKind, mounts: readonly string[] = []): string {
  const units = [...mounts].sort().map((path) => `${escapePath(path)}.mount`);
  return [
    "[Unit]",
    "Description=Lightweight Kubernetes",
    "Documentation=https://k3s.io",
    "Wants=network-online.target",
    "After=network-online.target",
    ...(units.length === 0 ? [] : [`Wants=${units.join(" ")}`, `After=${units.join(" ")}`]),
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
