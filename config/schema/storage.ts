import { z } from "zod";
import { OWN_FOLDER } from "../folders";
import { absolutePath, bytes, hostname } from "./scalars";

/** One Longhorn tier: a StorageClass and the disks that carry its tag. */
const tierSchema = z.strictObject({
  /** Name of the StorageClass. */
  storageClass: hostname,
  /** Copies of each volume, each on another node. */
  replicas: z.int().min(1).max(5),
  /** What belongs there; shown in the plan and in the class's annotation. */
  purpose: z.string().min(1),
  dataLocality: z.enum(["disabled", "best-effort", "strict-local"]).default("best-effort"),
});

export const storageSchema = z.strictObject({
  /** Longhorn tiers by name; disks refer to them. */
  tiers: z.record(hostname, tierSchema),
  /** The tier whose class is Longhorn's own and the cluster's default. */
  defaultTier: hostname,
  /** Media on NFS: one static volume over a whole export, kept for ever. Leave out where there is none. */
  media: z
    .strictObject({
      /** Machine with role hypervisor, and the name of its export. */
      server: hostname,
      export: hostname,
      /** Shown capacity; NFS does not enforce it. */
      size: bytes,
      /** User and group that the files belong to, as which the apps run. Never changed by the program: 30 TB take days. */
      owner: z.strictObject({ uid: z.int().min(1).default(1000), gid: z.int().min(1).default(1000) }).prefault({}),
    })
    .optional(),
  localPath: z
    .strictObject({
      /** Directory on each node. Not replicated and not backed up by Longhorn. */
      path: absolutePath.default(`${OWN_FOLDER}/local-path`),
    })
    .prefault({}),
});
