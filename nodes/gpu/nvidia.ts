import type { Worker } from "../../config/homelab";
import type { HostFile, HostProbe, HostScript } from "../host-script";
import type { Facts } from "../host-state";
import { fileFacts } from "../os/file-facts";

type Gpu = NonNullable<Worker["gpu"]>;

/** The signing key of NVIDIA's package repository: C95B321B61E88C1809C4F759DDCAE044F796ECB0, in ASCII armour. */
export const TOOLKIT_KEY = {
  url: "https://nvidia.github.io/libnvidia-container/gpgkey",
  sha256: "c880576d6cf75a48e5027a871bac70fd0421ab07d2b55f30877b21f1c87959c9",
  path: "/etc/apt/keyrings/nvidia-container-toolkit.asc",
} as const;

/** The four packages of the NVIDIA container toolkit, which are released together. */
const TOOLKIT_PACKAGES = [
  "nvidia-container-toolkit",
  "nvidia-container-toolkit-base",
  "libnvidia-container-tools",
  "libnvidia-container1",
] as const;

/** Sets the card's persistence mode at boot, so that the driver does not start anew for each pod. */
const PERSISTENCE_UNIT = "homelab-gpu-persistence.service";

const PATHS = {
  nouveau: "/etc/modprobe.d/homelab-nouveau.conf",
  preferences: "/etc/apt/preferences.d/homelab-nvidia",
  repository: "/etc/apt/sources.list.d/nvidia-container-toolkit.list",
  unit: `/etc/systemd/system/${PERSISTENCE_UNIT}`,
} as const;

/**
 * Ubuntu's server packages of one driver branch, without a display. The module is built by DKMS: Ubuntu's prebuilt
 * modules lag behind kernels of the HWE line. libnvidia-encode is NVENC, which Jellyfin's and Plex's transcoding needs
 * and which the headless package leaves out.
 */
export function driverPackages({ driverBranch }: Gpu): string[] {
  return [
    `nvidia-headless-${driverBranch}-server`,
    `nvidia-utils-${driverBranch}-server`,
    `libnvidia-encode-${driverBranch}-server`,
  ];
}

/** Every file that the NVIDIA steps install; the repository's key is downloaded. */
export function nvidiaFiles(gpu: Gpu): HostFile[] {
  return [
    {
      path: PATHS.nouveau,
      mode: "0644",
      content:
        "# Written by homelab: the free driver must not take the card.\nblacklist nouveau\noptions nouveau modeset=0\n",
    },
    { path: PATHS.preferences, mode: "0644", content: preferences(gpu) },
    {
      path: PATHS.repository,
      mode: "0644",
      content: `deb [signed-by=${TOOLKIT_KEY.path}] https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /\n`,
    },
    { path: PATHS.unit, mode: "0644", content: persistenceUnit() },
  ];
}

/**
 * Pins of apt_preferences(5); of several records for a package, the first that fits a version decides. Ubuntu turns a
 * branch that it drops into empty packages that pull in the next branch; with priority -1 such a version is no candidate
 * and the step stops before it changes anything.
 */
function preferences({ driverBranch, toolkitVersion }: Gpu): string {
  const driver = `nvidia-*-${driverBranch}-server libnvidia-*-${driverBranch}-server`;
  const toolkit = TOOLKIT_PACKAGES.join(" ");
  return [
    "# Written by homelab.",
    `Package: ${driver}`,
    `Pin: version ${driverBranch}.*`,
    "Pin-Priority: 1001",
    "",
    `Package: ${driver}`,
    "Pin: version *",
    "Pin-Priority: -1",
    "",
    `Package: ${toolkit}`,
    `Pin: version ${toolkitVersion}`,
    "Pin-Priority: 1001",
    "",
    `Package: ${toolkit}`,
    "Pin: version *",
    "Pin-Priority: -1",
    "",
  ].join("\n");
}

function persistenceUnit(): string {
  return [
    "[Unit]",
    "Description=NVIDIA persistence mode (homelab)",
    "After=nvidia-persistenced.service",
    "Before=k3s-agent.service",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    "ExecStart=/usr/bin/nvidia-smi --persistence-mode=1",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/**
 * The driver and the container toolkit, then the proof that they work. Both steps are the same script: the first may
 * reboot the machine, which a new kernel module needs; the second, which starts on the new boot and which also repairs
 * drift, never reboots a machine that may carry pods.
 */
export function nvidiaSteps(gpu: Gpu): [install: HostScript, verify: HostScript] {
  const step = (name: string, mayReboot: boolean): HostScript => ({
    name,
    source: "gpu/nvidia.sh",
    libraries: ["gpu/nvidia-lib.sh"],
    variables: {
      MAY_REBOOT: mayReboot,
      BRANCH: gpu.driverBranch,
      DRIVER_PACKAGES: driverPackages(gpu),
      TOOLKIT_PACKAGES,
      TOOLKIT_VERSION: gpu.toolkitVersion,
      KEY_URL: TOOLKIT_KEY.url,
      KEY_SHA256: TOOLKIT_KEY.sha256,
      KEY_FILE: TOOLKIT_KEY.path,
      NOUVEAU_FILE: PATHS.nouveau,
      PERSISTENCE_UNIT,
    },
    files: nvidiaFiles(gpu),
    timeoutSeconds: 3600,
  });
  return [step("gpu-driver", true), step("gpu-verify", false)];
}

/** What a refresh checks: K3s finds the runtime at its start, and pods find the card, only while all of it holds. */
export function nvidiaState(gpu: Gpu): { probe: HostProbe; expected: Facts } {
  const files = nvidiaFiles(gpu);
  return {
    probe: {
      source: "gpu/nvidia.probe.sh",
      libraries: ["gpu/nvidia-lib.sh"],
      variables: { FILES: files.map(({ path }) => path), TOOLKIT_PACKAGES, PERSISTENCE_UNIT },
    },
    expected: {
      "nvidia.driver-branch": String(gpu.driverBranch),
      "nvidia.smi": "ok",
      "nvidia.runtime": "present",
      "nvidia.persistence": "active/enabled",
      ...Object.fromEntries(TOOLKIT_PACKAGES.map((name) => [`package.${name}`, gpu.toolkitVersion])),
      ...fileFacts(files),
    },
  };
}
