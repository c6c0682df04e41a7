import type { HostFile, HostProbe, HostScript } from "../host-script";
import type { Facts } from "../host-state";
import { fileFacts } from "../os/file-facts";

/** i915 at boot. GuC and HuC stay as the kernel decides for the chip: forcing them (enable_guc) taints the kernel. */
const files: readonly HostFile[] = [
  { path: "/etc/modules-load.d/homelab-quicksync.conf", mode: "0644", content: "# Written by homelab.\ni915\n" },
];

/** Intel's firmware and driver, and the render device that the Intel GPU plugin hands to pods. */
export function quickSyncStep(): HostScript {
  return {
    name: "gpu-quicksync",
    source: "gpu/quicksync.sh",
    libraries: ["gpu/quicksync-lib.sh"],
    files,
    timeoutSeconds: 1800,
  };
}

export function quickSyncState(): { probe: HostProbe; expected: Facts } {
  return {
    probe: {
      source: "gpu/quicksync.probe.sh",
      libraries: ["gpu/quicksync-lib.sh"],
      variables: { FILES: files.map(({ path }) => path) },
    },
    expected: { "quicksync.render-device": "present", ...fileFacts(files) },
  };
}
