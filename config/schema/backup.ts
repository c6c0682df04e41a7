import { z } from "zod";
import { cron, duration, pattern } from "./scalars";

const bucketName = pattern(
  /^(?!b2-)[a-z0-9]([a-z0-9-]{4,61}[a-z0-9])$/,
  "a B2 bucket name: 6 to 63 lower-case letters, digits and dashes, not starting with b2-",
  "choose a name that nobody else in the world has",
);

const scheduleSchema = z.strictObject({
  cron,
  /** How long a backup is kept, for example 72h. */
  keep: duration,
});

export const backupSchema = z.strictObject({
  b2: z.strictObject({
    /** Region of the B2 account, the middle of its S3 endpoint. */
    region: pattern(
      /^[a-z]{2}-[a-z]+-[0-9]{3}$/,
      "a B2 region such as us-west-004",
      "see the endpoint of any bucket of the account: s3.<region>.backblazeb2.com",
    ),
    /** S3 endpoint without a scheme. */
    endpoint: z.string().min(1),
    /** Bucket of Velero's backups. */
    veleroBucket: bucketName,
    /** Bucket of K3s' etcd snapshots. */
    etcdBucket: bucketName,
  }),
  /**
   * `normal`: schedules run. `restore`: the store is read-only and schedules are paused, so that a fresh and empty
   * cluster cannot push good backups out before they are restored.
   */
  mode: z.enum(["normal", "restore"]).default("normal"),
  schedules: z.strictObject({
    /** Volumes on Longhorn. */
    hourly: scheduleSchema,
    /** Critical namespaces. */
    daily: scheduleSchema.extend({ namespaces: z.array(z.string().min(1)).min(1) }),
    /** The whole cluster. */
    weekly: scheduleSchema,
  }),
  /** etcd snapshots of K3s, kept on the control plane and in B2. */
  etcd: z.strictObject({ cron, retention: z.int().min(1).max(100) }),
});
