import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Homelab } from "../config/homelab";
import { hypervisorProblem } from "../sandbox/hypervisor";
import { goProblem } from "../sandbox/k3s";
import { missingPackages, sandboxProblem } from "../sandbox/requirements";
import { SMALL, machineBytes, type Sizes } from "./artefacts/sizes";

const GIB = 2 ** 30;
/** Beside the disks that count as a whole (the hypervisor wants the VM's to be free): images, the hypervisor's files, workers' changes. */
const DISK_BESIDE = 8 * GIB;
/** What this program and the emulation of machines need beside the machines' own memory. */
const MEMORY_BESIDE = 2 * GIB;

/** What a computer has. */
export interface Resources {
  freeDisk: number;
  availableMemory: number;
}

export function resourcesAt(folder: string): Resources {
  let existing = folder;
  while (!fs.existsSync(existing)) {
    existing = path.dirname(existing);
  }
  const { bavail, bsize } = fs.statfsSync(existing);
  const available = /^MemAvailable: +(\d+) kB$/m.exec(fs.readFileSync("/proc/meminfo", "utf8"))?.[1];
  return {
    freeDisk: bavail * bsize,
    availableMemory: available === undefined ? os.freemem() : Number(available) * 1024,
  };
}

/** Images, namespaces and what a rehearsal leaves belong to root. */
export function rootProblem(): string[] {
  return process.getuid?.() === 0
    ? []
    : [
        "it needs root: images and namespaces belong to root. Run it with sudo; without root there is npm run plan, which shows every script, manifest and setting of the rebuild, and runs nothing",
      ];
}

/** What a rehearsal does on this computer beyond machines. */
export interface Tasks {
  sizes: Sizes;
  /** Go compiles a stand-in for K3s. */
  compiles: boolean;
  /** helm renders real charts. */
  renders: boolean;
}

/**
 * Everything that keeps a rehearsal from starting, each with what to do about it. Writes nothing.
 *
 * @param folder where the rehearsal's files will lie.
 * @param tasks default: those of a rehearsal without a mirror.
 */
export async function rehearsalProblems(
  homelab: Homelab,
  folder: string,
  { sizes, compiles, renders }: Tasks = { sizes: SMALL, compiles: true, renders: false },
): Promise<string[]> {
  if (rootProblem().length > 0) {
    // What is missing besides is told to root.
    return rootProblem();
  }
  const sandbox = sandboxProblem();
  const needed = requirements(homelab, sizes);
  return [
    sandbox,
    hypervisorProblem(),
    missingPackages({ unshare: "util-linux", dnsmasq: "dnsmasq-base", tar: "tar", nsenter: "util-linux" }),
    compiles ? await goProblem() : undefined,
    renders ? helmProblem() : undefined,
    fs.existsSync("/dev/net/tun")
      ? undefined
      : "there is no /dev/net/tun, by which machines reach the LAN: modprobe tun",
    ...resourceProblems(needed, resourcesAt(folder), folder),
  ].filter((problem): problem is string => problem !== undefined);
}

/** Also where Pulumi's engine carries the charts out: it is asked which images they need. */
function helmProblem(): string | undefined {
  return spawnSync("helm", ["version", "--short"]).error
    ? "helm is missing, which renders the charts of the mirror: put its binary on PATH, see helm.sh; no package of Debian's has it"
    : undefined;
}

/** What the machines of the stack need. */
export function requirements(homelab: Homelab, sizes: Sizes = SMALL): Resources {
  const { memory, disk } = machineBytes(homelab, sizes);
  return { freeDisk: DISK_BESIDE + disk, availableMemory: MEMORY_BESIDE + memory };
}

export function resourceProblems(needed: Resources, found: Resources, folder: string): string[] {
  const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;
  return [
    ...(found.freeDisk < needed.freeDisk
      ? [
          `${folder} has ${gib(found.freeDisk)} free, ${gib(needed.freeDisk)} are needed: free some, or name a folder on a larger disk: sudo XDG_STATE_HOME=/folder npm run rehearse`,
        ]
      : []),
    ...(found.availableMemory < needed.availableMemory
      ? [
          `${gib(found.availableMemory)} of memory are available, the machines need ${gib(needed.availableMemory)}: end what else is running`,
        ]
      : []),
  ];
}

/** What is meant for a person to know before a run on a computer without KVM. */
export const SLOW =
  "no usable KVM: machines run by software emulation, some ten times slower. Faster: a computer with virtualisation switched on in its firmware, or nested virtualisation where this is a VM";
