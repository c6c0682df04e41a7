import type { HostFile } from "../host-script";
import type { PlannedDevice } from "./plan";

/**
 * Options of every data disk. nofail: a dead disk must not keep the machine from booting (systemd then drops the order
 * before local-fs.target). errors=remount-ro: Longhorn rebuilds elsewhere instead of writing on into a broken disk.
 */
export const MOUNT_OPTIONS = "nofail,noatime,nodev,nosuid,errors=remount-ro";

/** A path as a part of a unit name, as `systemd-escape --path` prints it. */
export function escapePath(path: string): string {
  return path
    .replace(/^\/+|\/+$/g, "")
    .replace(/[^A-Za-z0-9:_./]/g, (character) =>
      [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
    )
    .replace(/^\./, "\\x2e")
    .replaceAll("/", "-");
}

/** Name of the unit that mounts a disk at boot; systemd demands that it is the escaped mount point. */
export function mountUnitName(disk: PlannedDevice): string {
  return `${escapePath(disk.mountPath)}.mount`;
}

/**
 * The unit that mounts a disk at boot, by UUID, checked by fsck, and before K3s: the kubelet must not start pods on a
 * node whose volumes are not there yet. A missing disk delays K3s by systemd's 90 s and nothing else.
 */
export function mountUnit(disk: PlannedDevice): HostFile {
  const source = `/dev/disk/by-uuid/${disk.uuid}`;
  const check = `systemd-fsck@${escapePath(source)}.service`;
  return {
    path: `/etc/systemd/system/${mountUnitName(disk)}`,
    mode: "0644",
    content: [
      "[Unit]",
      `Description=homelab disk ${disk.name}, tier ${disk.tier}`,
      `Wants=${check}`,
      `After=${check}`,
      "Before=k3s.service k3s-agent.service",
      "",
      "[Mount]",
      `What=${source}`,
      `Where=${disk.mountPath}`,
      "Type=ext4",
      `Options=${MOUNT_OPTIONS}`,
      "",
      "[Install]",
      "WantedBy=multi-user.target",
      "",
    ].join("\n"),
  };
}
