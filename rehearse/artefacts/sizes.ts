import type { Homelab } from "../../config/homelab";
import { toBytes } from "../../config/units";
import type { StackConfig } from "../config";
import type { Choice } from "./choice";

const GIB = 2 ** 30;

/** How large machines are, beyond what the stack file says of the VM and of disks. */
export interface Sizes {
  /** Memory of a worker, in MiB. */
  workerMib: number;
  /** Processors of a worker. */
  processors: number;
  /** Root disk of a worker, in GiB; undefined: its image's own size, 6 GiB. */
  rootGib?: number;
}

/** Of the stack file as it is: the kubelet is not real, and pods take none. */
export const SMALL: Sizes = { workerMib: 1024, processors: 1 };

/** A real agent without pods: kubelet and containerd take 0.5 GiB, the system and a bootstrap beside it a little less. */
const AGENT: Sizes = { workerMib: 1536, processors: 1 };

const PODS: Sizes = {
  // Requests of the program's pods are 8 GiB (Ollama 2; Open WebUI, Prometheus, Authentik 1 each), of which half and more
  // may land on one worker; Cilium, Longhorn and K3s itself ask for nothing and take some 2 GiB on each.
  workerMib: 8192,
  // Requests are 2.5 processors, and Longhorn's instance manager takes 12 % of each node; one boot starts 30 pods.
  processors: 4,
  // System 2; images, of which the largest (Ollama, Open WebUI) take 5 each, packed and unpacked, 20; Longhorn's
  // folder 6; volumes of local-path 3. A quarter stays free, or Longhorn puts nothing more there.
  rootGib: 48,
};

/** What the stack file says otherwise where pods run. */
interface Disks {
  /** What Longhorn is promised on a system disk, in GB: copies of 2 GiB of claims, beside the reserve of 30 %. */
  systemGb: number;
  /** A tier's disk, in GB: a claim of 128 MiB with a snapshot, a file system of its own, a quarter that stays free. */
  tierGb: number;
  /** etcd, API server and controllers take 2 GiB; Cilium, Alloy and the exporters run there, too. */
  vmMemory: string;
  /** As in the house. */
  vmDisk: string;
}
const POD_DISKS: Disks = { systemGb: 6, tierGb: 2, vmMemory: "4Gi", vmDisk: "24Gi" };

/** @param pods whether pods have to run. */
export function sizesOf({ k3s }: Choice, pods: boolean): Sizes {
  return k3s !== "real" ? SMALL : pods ? PODS : AGENT;
}

/**
 * What the stack file's machines must say otherwise. A real server without pods has its 2 GiB in the VM already.
 *
 * @param homelab the stack file's.
 */
export function sizedMachines(homelab: Homelab, { k3s }: Choice, pods: boolean): StackConfig {
  if (k3s !== "real" || !pods) {
    return {};
  }
  const { systemGb, tierGb, vmMemory, vmDisk } = POD_DISKS;
  const workers = homelab.workers.map(({ name, disks }) => [
    name,
    {
      disks: Object.fromEntries(
        Object.entries(disks).map(([disk, spec]) => [disk, { sizeGb: "id" in spec ? tierGb : systemGb }]),
      ),
    },
  ]);
  return {
    ...Object.fromEntries(workers),
    [homelab.controlPlane.name]: { vm: { memory: vmMemory, disk: vmDisk } },
  } as StackConfig;
}

/** What a rehearsal's machines need of the computer, in bytes. Disks with holes are counted as a whole: they fill up. */
export function machineBytes({ controlPlane, workers }: Homelab, sizes: Sizes): { memory: number; disk: number } {
  const { vm } = controlPlane;
  const { rootGib } = sizes;
  const tiers = workers.flatMap(({ disks }) => Object.values(disks)).filter((disk) => "id" in disk);
  const grown =
    rootGib === undefined
      ? 0
      : workers.length * rootGib * GIB + tiers.reduce((sum, { sizeGb }) => sum + sizeGb * 1e9, 0);
  return {
    memory: workers.length * sizes.workerMib * 2 ** 20 + (vm ? Number(toBytes(vm.memory)) : 0),
    disk: grown + (vm ? Number(toBytes(vm.disk)) : 0),
  };
}
