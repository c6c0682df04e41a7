import { z } from "zod";
import {
  absolutePath,
  bytes,
  diskById,
  ed25519HostKey,
  hostname,
  ipv4,
  mac,
  ownerPattern,
  rule,
  uuid,
} from "./scalars";

/** Proof that the machine at an address is the one that is meant. Checked before the first write of every step. */
export const identitySchema = z.strictObject({
  /**
   * `machine-id`: /etc/machine-id, new after a reinstall. `product-uuid`: DMI UUID of the board or VM, survives one.
   * `product-serial`: DMI serial number, the service tag on a Dell.
   */
  kind: z.enum(["machine-id", "product-uuid", "product-serial"]),
  value: ownerPattern(
    /^[A-Za-z0-9-]{4,64}$/,
    "the identifier: 4 to 64 letters, digits and dashes",
    "on the machine run: cat /etc/machine-id, or sudo dmidecode -s system-uuid (system-serial-number)",
  ),
});

/** How the program logs in. The host key is pinned: there is no connection without one. */
const sshSchema = z.strictObject({
  user: z.string().regex(/^[a-z_][a-z0-9_-]*$/, rule("a user name", "use a user with passwordless sudo, or root")),
  port: z.int().min(1).max(65535).default(22),
  /** Public ed25519 host key. Left out only for a VM of ours, whose key is generated. */
  hostKey: ed25519HostKey.optional(),
});

const diskKinds = [
  z.strictObject({
    /** Stable path of the whole disk. It is formatted if and only if it is blank. */
    id: diskById,
    /** Storage tier that it serves; a key of storage.tiers. */
    tier: hostname,
    /** Least size; a smaller disk at that id is refused. Decimal gigabytes, as printed on the label. */
    sizeGb: z.number().positive(),
    /** Share of the disk that Longhorn leaves free, in percent. */
    reservedPercent: z.number().min(0).max(90).default(5),
  }),
  z.strictObject({
    /** A directory on the root file system, for machines with one disk. */
    rootFilesystem: z.literal(true),
    tier: hostname,
    /** Free space that the root file system must have at the first run. Decimal gigabytes. */
    sizeGb: z.number().positive(),
    /** Higher than on a disk of its own: the kubelet evicts pods below 5% free. */
    reservedPercent: z.number().min(10).max(90).default(30),
  }),
] as const;

/** A block device, or a place on the root file system, that carries volumes of one tier. */
export const diskSchema = z.union(diskKinds, {
  error: rule(
    "either `id` (a whole disk) or `rootFilesystem: true` (a directory of a machine with one disk), never both",
    "give the disk's stable id from ls -l /dev/disk/by-id/, or rootFilesystem: true",
  ),
});

const common = {
  /** Address on the LAN. */
  address: ipv4,
  ssh: sshSchema,
};

/**
 * When the machine's unattended upgrades may reboot it; every machine gets an hour of its own. A hypervisor's are its owner's:
 * there it says when the others must not.
 */
const rebootWindow = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, rule("a time of day as HH:MM", "for example 03:30"));

export const hypervisorSchema = z.strictObject({
  role: z.literal("hypervisor"),
  ...common,
  identity: identitySchema,
  rebootWindow,
  libvirt: z.strictObject({
    /** `qemu` (software emulation) is for rehearsals only. */
    domainType: z.enum(["kvm", "qemu"]).default("kvm"),
    /** Existing bridge that is connected to the LAN. */
    bridge: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,15}$/, rule("the name of a network bridge", "ip -br link show type bridge")),
    /** Folder for VM disks, images and seeds. */
    imageFolder: absolutePath.default("/var/lib/libvirt/images/homelab"),
  }),
  /** NFS exports, by name. Only the cluster's nodes are let in. */
  exports: z
    .record(
      hostname,
      z.strictObject({
        /** Directory that is exported; must be a mount point or lie on one, so that an unmounted array exports nothing. */
        path: absolutePath,
        /** Mount point that must be mounted before the directory is exported. Defaults to the path itself. */
        mountPoint: absolutePath.optional(),
        /** Nodes may only read. */
        readOnly: z.boolean().default(false),
      }),
    )
    .default({}),
});

export const vmSchema = z.strictObject({
  /** Machine with role hypervisor that runs this VM. */
  host: hostname,
  /** Fixed, so that the guest keeps its identity through redefinitions. */
  uuid,
  /** Fixed, so that the router's lease and the guest's network survive. */
  mac,
  vcpus: z.int().min(2, rule("a whole number from 2", "K3s servers need two cores")),
  memory: bytes,
  disk: bytes,
  /** Name of the guest's network interface as cloud-init sets it. */
  interface: z
    .string()
    .regex(
      /^[a-z][a-z0-9]{1,14}$/,
      rule("an interface name: 2 to 15 lower-case letters and digits", "for example lan0"),
    )
    .default("lan0"),
});

const gpuSchema = z.strictObject({
  /** Shown in alerts and in the plan. */
  model: z.string().min(1),
  /** Pods that may share it by time-slicing; there is no memory isolation between them. */
  slices: z.int().min(1).max(16),
  /** Driver branch of Ubuntu's server packages, for example 580 for nvidia-headless-580-server. */
  driverBranch: z.int().min(470).max(999),
  /** Version of NVIDIA's container toolkit packages, with their revision. */
  toolkitVersion: z
    .string()
    .regex(/^[0-9]+\.[0-9]+\.[0-9]+-[0-9]+$/, rule("a package version such as 1.17.8-1", "see NVIDIA's release notes"))
    .default("1.17.8-1"),
});

const nodeCommon = {
  ...common,
  rebootWindow,
  /** Additional node labels. */
  labels: z.record(z.string(), z.string()).default({}),
  /** Node taints as key=value:effect; applied at the node's first registration only. */
  taints: z
    .array(
      z
        .string()
        .regex(
          /^[^=:\s]+(=[^:\s]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/,
          rule("a taint as key=value:effect", "the effects are NoSchedule, PreferNoSchedule and NoExecute"),
        ),
    )
    .default([]),
  /** Memory as installed; what asks for more is refused. Left out: that is not checked. A VM has vm.memory. */
  memory: bytes.optional(),
  /** Disks for Longhorn, by name. */
  disks: z.record(hostname, diskSchema).default({}),
};

export const controlPlaneSchema = z.strictObject({
  role: z.literal("control-plane"),
  ...nodeCommon,
  /** Present: the program creates the machine as a VM, and knows its identity and host key beforehand. */
  vm: vmSchema.optional(),
  identity: identitySchema.optional(),
});

export const workerSchema = z.strictObject({
  role: z.literal("worker"),
  ...nodeCommon,
  identity: identitySchema,
  gpu: gpuSchema.optional(),
  /** Intel QuickSync: the render device is offered to pods as gpu.intel.com/i915. */
  quickSync: z.strictObject({ sharedBy: z.int().min(1).max(32).default(4) }).optional(),
});

export const machinesSchema = z.record(
  hostname,
  z.discriminatedUnion("role", [hypervisorSchema, controlPlaneSchema, workerSchema]),
);
