import { K3S_DATA, OWN_FOLDER } from "../folders";
import type { ConfigIssue } from "../issues";
import { ofEach } from "../readable";
import { issueIf, type Check } from "./check";

/** Where K3s kept the kubelet before v0.10, and where the homelab document has it. */
const K3S_KUBELET = `${K3S_DATA}/agent/kubelet`;
/** Gone at a reboot, owned by the system, or somebody's home. */
const SYSTEM_FOLDERS = (
  "/bin /boot /dev /etc /home /lib /lib64 /proc /root /run /sbin /sys /tmp /usr " +
  "/var/lib/longhorn /var/log /var/run /var/tmp"
).split(" ");

/**
 * Longest kubelet root: below it lie sockets such as plugins_registry/driver.longhorn.io-reg.sock, and the path of a
 * Unix socket has at most 107 characters (unix(7)).
 */
const LONGEST_KUBELET_ROOT = 60;

/** Whether a path is another one or lies below it. */
function inside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function apart(one: string, other: string): boolean {
  return !inside(one, other) && !inside(other, one);
}

const kubeletRoot: Check = {
  name: "the kubelet root is a folder of its own",
  run({ cluster: { kubeletRoot: root } }) {
    const issue = (allowed: string): ConfigIssue[] => [
      {
        path: "cluster.kubeletRoot",
        found: root,
        allowed,
        fix: `write /var/lib/kubelet, or ${K3S_KUBELET} as in the homelab document`,
      },
    ];
    const taken = SYSTEM_FOLDERS.find((folder) => inside(root, folder));
    if (taken !== undefined) {
      return issue(`a path outside of ${taken}`);
    }
    if (!apart(root, OWN_FOLDER)) {
      return issue(`a path apart from ${OWN_FOLDER}, where the disks are mounted`);
    }
    if (!apart(root, K3S_DATA) && root !== K3S_KUBELET) {
      return issue(`a path apart from K3s' data in ${K3S_DATA}, or ${K3S_KUBELET} itself`);
    }
    if (root.split("/").length < 3 || root === "/var/lib") {
      return issue("a folder that is the kubelet's alone");
    }
    return root.length > LONGEST_KUBELET_ROOT
      ? issue(`at most ${LONGEST_KUBELET_ROOT} characters, because the paths of sockets below it are limited`)
      : [];
  },
};

const localPath: Check = {
  name: "local volumes are apart from the kubelet and the disks",
  run({
    cluster,
    storage: {
      localPath: { path },
    },
  }) {
    const neighbours = [cluster.kubeletRoot, `${OWN_FOLDER}/disks`, K3S_DATA];
    const taken = neighbours.find((folder) => !apart(path, folder));
    return issueIf(taken !== undefined, () => ({
      path: "storage.localPath.path",
      found: path,
      allowed: `a folder apart from ${taken}`,
      fix: `write for example ${OWN_FOLDER}/local-path`,
    }));
  },
};

const exportPaths: Check = {
  name: "an export lies on its mount point",
  run({ machines }) {
    return ofEach(machines, (machine, name) =>
      ofEach(machine.role === "hypervisor" ? machine.exports : {}, ({ path, mountPoint }, key) =>
        issueIf(mountPoint !== undefined && !inside(path, mountPoint), () => ({
          path: `machines.${name}.exports.${key}.mountPoint`,
          found: `${mountPoint} for ${path}`,
          allowed: "a folder above the path, or the path itself",
          fix: "name the file system that must be mounted before the path is exported; see findmnt --target on the machine",
        })),
      ),
    );
  },
};

export const pathChecks: readonly Check[] = [kubeletRoot, localPath, exportPaths];
